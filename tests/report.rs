//! The report: figures and tables say what they were given, in well-formed files that ask for nothing, and the tour's claims hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use white_box::Error;
use white_box::data::{Json, csv};
use white_box::linalg::Matrix;
use white_box::random::Rng;
use white_box::report::markup::{escape, formula, plain, prose, wrapped};
use white_box::report::number::{decade, power_of_ten, typeset};
use white_box::report::tour::{CHAPTERS, PARTS, Progress, Tour};
use white_box::report::{
    Axis, BarChart, Block, Cell, Claim, Cloud, Column, Digits, Figure, HeatMap, ImageGrid, Ink, Label, LineChart, Page, Picture, Scatter,
    Section, Series, Table,
};

// A reader of XML, strict where it looks: balanced tags, quoted attributes, known entities, no stray `<`, `>` or `&`.

#[derive(Debug, PartialEq)]
enum Node {
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

fn entities(text: &str) -> String {
    assert!(!text.contains('<') && !text.contains('>'), "a stray angle bracket in {text:?}");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = at + rest[at..].find(';').unwrap_or_else(|| panic!("an entity without end in {text:?}"));
        out.push(match &rest[at + 1..end] {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("unknown entity {other:?}"),
        });
        rest = &rest[end + 1..];
    }
    out + rest
}

/// The nodes of a document. `void`: elements that HTML leaves open.
fn parse(text: &str, void: &[&str]) -> Vec<Node> {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "a control character");
    let mut nodes = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        if at > 0 {
            let raw = open.last().is_some_and(|t| t == "style");
            nodes.push(Node::Text(if raw { rest[..at].into() } else { entities(&rest[..at]) }));
        }
        let end = at + rest[at..].find('>').expect("a tag without end");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') || tag == "!DOCTYPE html" {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            nodes.push(Node::Close(name.into()));
            continue;
        }
        let (body, closed) = tag.strip_suffix('/').map_or((tag, false), |b| (b, true));
        let name: String = body.chars().take_while(|c| !c.is_whitespace()).collect();
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "a tag named {name:?}");
        nodes.push(Node::Open(name.clone(), attributes(&body[name.len()..])));
        if closed || void.contains(&name.as_str()) {
            nodes.push(Node::Close(name));
        } else {
            open.push(name);
        }
    }
    assert!(rest.trim().is_empty() && open.is_empty(), "left open: {open:?}");
    nodes
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':')).collect();
        assert!(!name.is_empty() && out.iter().all(|(n, _)| *n != name), "attribute {name:?} in {text:?}");
        rest = &rest[name.len()..];
        // HTML knows attributes without a value.
        let value = match rest.strip_prefix("=\"") {
            Some(after) => {
                let end = after.find('"').expect("a quote without end");
                rest = &after[end + 1..];
                entities(&after[..end])
            }
            None => {
                assert_eq!(name, "download", "an attribute without a value");
                String::new()
            }
        };
        assert!(rest.is_empty() || rest.starts_with(' '), "attributes run together in {text:?}");
        rest = rest.trim_start();
        out.push((name, value));
    }
    out
}

fn opened<'a>(nodes: &'a [Node], wanted: &str) -> Vec<&'a Vec<(String, String)>> {
    nodes.iter().filter_map(|n| if let Node::Open(name, a) = n { (name == wanted).then_some(a) } else { None }).collect()
}
fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> &'a str {
    attributes.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
}
/// All text inside each element of these names, which do not contain each other.
fn texts(nodes: &[Node], wanted: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    let mut inside = false;
    for node in nodes {
        match node {
            Node::Open(name, _) if wanted.contains(&name.as_str()) => {
                inside = true;
                out.push(String::new());
            }
            Node::Close(name) if wanted.contains(&name.as_str()) => inside = false,
            Node::Text(text) if inside => out.last_mut().unwrap().push_str(text),
            _ => {}
        }
    }
    out
}

/// What every figure must be; returns the nodes of its file.
fn well_made(figure: &Figure) -> Vec<Node> {
    let svg = figure.svg();
    let nodes = parse(&svg, &[]);
    let root = opened(&nodes, "svg")[0];
    assert_eq!(attribute(root, "role"), "img");
    assert_eq!(attribute(root, "xmlns"), "http://www.w3.org/2000/svg");
    let labelled: Vec<&str> = attribute(root, "aria-labelledby").split(' ').collect();
    let (title, desc) = (opened(&nodes, "title")[0], opened(&nodes, "desc")[0]);
    assert_eq!(labelled, [attribute(title, "id"), attribute(desc, "id")]);
    assert_eq!(texts(&nodes, &["title"]), [plain(figure.title())]);
    assert_eq!(texts(&nodes, &["desc"]), [plain(figure.description())]);
    assert_eq!(svg.matches("http").count(), 1, "asks for something from outside");
    for word in ["href", "url(", "@import", "<script", "<image"] {
        assert!(!svg.contains(word), "{word}");
    }
    assert!(svg.contains("prefers-color-scheme:dark"));
    // Coordinates are numbers, and near the page: nothing runs away.
    let [w, h] = [attribute(root, "width"), attribute(root, "height")].map(|t| t.parse::<f64>().unwrap());
    for node in &nodes {
        let Node::Open(name, attributes) = node else { continue };
        for key in ["x", "y", "x1", "x2", "y1", "y2", "width", "height", "dy"] {
            let text = attribute(attributes, key);
            if !text.is_empty() {
                let number: f64 = text.parse().unwrap_or_else(|_| panic!("{name} {key}={text:?}"));
                assert!(number.is_finite() && number >= -20.0 && number <= w + h, "{name} {key}={text}");
            }
        }
        for number in attribute(attributes, "d").split(|c: char| c.is_ascii_alphabetic() || c == ' ').filter(|t| !t.is_empty()) {
            assert!(number.parse::<f64>().is_ok_and(f64::is_finite), "path number {number:?}");
        }
    }
    // On a page: the same without the style, the namespace and the declaration.
    let inline = figure.inline();
    parse(&inline, &[]);
    assert!(!inline.contains("http") && !inline.contains("<style"));
    nodes
}

const HOSTILE: &str = "</title><script>alert(\"1\")</script> & 'x' \u{0}\u{1b}\u{ffff} `R_{c<&}^2` ]]>";

fn label(name: &str) -> Label {
    Label::new(name, "A `ΔR` figure", "What is to be seen.")
}
fn line(points: &[(f64, f64)]) -> LineChart {
    LineChart {
        label: label("line"),
        x: Axis::linear("x"),
        y: Axis::linear("y"),
        series: vec![Series::curve("one", points.iter().copied())],
    }
}
fn wave(n: usize) -> Vec<(f64, f64)> {
    (0..n).map(|i| (i as f64, ((i * i) % 17) as f64 - 4.0)).collect()
}
fn heat(values: Matrix<f64>) -> HeatMap {
    HeatMap { label: label("heat"), values, rows: vec![], cols: vec![], full: None, measure: "cosine".into(), numbers: None }
}
fn ramp(rows: usize, cols: usize) -> Matrix<f64> {
    Matrix::from_fn(rows, cols, |i, j| (i as f64 - j as f64) / (rows + cols) as f64)
}
fn bars() -> BarChart {
    let groups =
        vec![("first".into(), vec![4.0, 0.0, 1.0]), ("second".into(), vec![2.0, -1.0, 3.0]), ("third".into(), vec![1.0, 1.5, 0.25])];
    BarChart {
        label: label("bar"),
        measure: "nats".into(),
        rows: vec!["a".into(), "b".into(), "c".into()],
        groups,
        digits: Digits::Fixed(2),
    }
}
fn scatter() -> Scatter {
    let circle = |k: usize| (0..20).map(|i| on_circle(i, k)).collect::<Vec<_>>();
    let clouds = vec![
        Cloud { name: "inner".into(), points: circle(1), arrows: vec![] },
        Cloud { name: "outer".into(), points: circle(2), arrows: circle(1) },
        Cloud { name: "still".into(), points: vec![(0.0, 0.0)], arrows: vec![(0.0, 0.0)] },
    ];
    Scatter { label: label("scatter"), x: "x".into(), y: "y".into(), clouds }
}
/// Points of a regular polygon without the sine: enough of a circle.
fn on_circle(i: usize, r: usize) -> (f64, f64) {
    let t = i as f64 / 10.0 - 1.0;
    let (x, y) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
    (x * r as f64, y * r as f64)
}
fn images() -> ImageGrid {
    let picture = |k: usize| Picture::new(&k.to_string(), 4, ramp(4, 4).map(|x| x * k as f64).data()).unwrap();
    let rows = vec![("above".into(), (1..6).map(picture).collect()), (String::new(), (6..8).map(picture).collect())];
    ImageGrid { label: label("image"), rows, ink: Ink::Each }
}
fn everything() -> Vec<Figure> {
    let mut many = line(&wave(40));
    many.series.push(Series::points("points", wave(40)));
    many.series.push(Series::thin(7, wave(9)));
    many.series.push(Series::reference("a long name of a bound that needs several lines", [(0.0, 3.0), (39.0, 3.0)]));
    many.series.extend((0..5).map(|k| Series::curve(&format!("`σ_{k}`"), [(0.0, k as f64), (39.0, 3.0)])));
    let mut logarithmic = line(&[(0.001, 1e-9), (1.0, 2e-3), (40.0, 7.0)]);
    (logarithmic.x, logarithmic.y) = (Axis::log("x").reversed(), Axis::log("y"));
    let mut grouped = heat(ramp(6, 4));
    (grouped.rows, grouped.cols) = (vec![("u".into(), 2), ("v".into(), 4)], vec![("w".into(), 1), ("z".into(), 3)]);
    (grouped.full, grouped.numbers) = (Some(1.0), Some(Digits::Fixed(2)));
    let figures = [
        many.figure(),
        logarithmic.figure(),
        heat(ramp(3, 30)).figure(),
        grouped.figure(),
        bars().figure(),
        scatter().figure(),
        images().figure(),
    ];
    figures.into_iter().map(Result::unwrap).collect()
}

#[test]
fn every_chart_makes_a_well_formed_accessible_figure() {
    for figure in everything() {
        well_made(&figure);
    }
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    for (a, b) in everything().iter().zip(everything()) {
        assert_eq!(a.svg(), b.svg());
    }
}

#[test]
fn hostile_words_stay_words() {
    let mut chart = line(&wave(5));
    chart.label = Label::new("name", HOSTILE, HOSTILE);
    (chart.x.label, chart.y.label, chart.series[0].name) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    let nodes = parse(&chart.figure().unwrap().svg(), &[]);
    assert!(opened(&nodes, "script").is_empty());
    assert!(texts(&nodes, &["title"])[0].starts_with("</title><script>alert(\"1\")</script> & 'x' \u{fffd}\u{fffd}\u{fffd} R_{c<&}² ]]>"));
    let mut bar = bars();
    (bar.measure, bar.rows[0], bar.groups[0].0) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    parse(&bar.figure().unwrap().svg(), &[]);
    let mut map = heat(ramp(2, 2));
    (map.measure, map.rows) = (HOSTILE.into(), vec![(HOSTILE.into(), 2)]);
    parse(&map.figure().unwrap().svg(), &[]);

    let mut table = Table::new("t", HOSTILE, vec![Column::text(HOSTILE), Column::real(HOSTILE, HOSTILE, Digits::Fixed(1))]);
    table.row([HOSTILE.into(), 1.0.into()]).unwrap();
    parse(&table.html(), &[]);
    let claim = Claim { statement: HOSTILE.into(), holds: false, evidence: HOSTILE.into() };
    let blocks = vec![Block::Text(HOSTILE.into()), Block::Formula("a_{b<c}^{>}&".into()), Block::Claim(claim), Block::Table(table)];
    let section = Section { number: 1, part: 1, name: HOSTILE.into(), title: HOSTILE.into(), blocks };
    let page = Page { title: HOSTILE, lead: HOSTILE, parts: &[HOSTILE], foot: HOSTILE }.html(&[section]);
    assert!(opened(&parse(&page, &["meta", "link"]), "script").is_empty());
}

#[test]
fn charts_refuse_what_they_cannot_show() {
    let nan = f64::NAN;
    assert!(matches!(line(&[(0.0, nan)]).figure(), Err(Error::NotFinite(_))));
    assert!(matches!(line(&[(f64::INFINITY, 0.0)]).figure(), Err(Error::NotFinite(_))));
    assert!(matches!(line(&[]).figure(), Err(Error::Shape(_))));
    let mut chart = line(&[(1.0, 0.0), (2.0, 1.0)]);
    chart.y = Axis::log("y");
    assert!(matches!(chart.figure(), Err(Error::Domain(_))), "0 has no place on a log axis");
    chart.y = Axis::linear("y").including(nan);
    assert!(matches!(chart.figure(), Err(Error::NotFinite(_))));
    assert!(matches!(line(&[(0.0, -f64::MAX), (1.0, f64::MAX)]).figure(), Err(Error::Domain(_))), "the span overflows");
    assert!(matches!(line(&[(0.0, 0.0), (1.0, 5e-324)]).figure(), Err(Error::Domain(_))), "the span cannot be divided");
    well_made(&line(&[(3.0, 7.0)]).figure().unwrap());
    well_made(&line(&[(0.0, 0.0), (0.0, 0.0)]).figure().unwrap());

    let mut bar = bars();
    bar.groups[1].1.pop();
    assert!(matches!(bar.figure(), Err(Error::Shape(_))));
    bar.groups.clear();
    assert!(matches!(bar.figure(), Err(Error::Shape(_))));
    bar.groups = vec![("x".into(), vec![1.0; 3]); 4];
    assert!(matches!(bar.figure(), Err(Error::Shape(_))));
    bar.groups = vec![("x".into(), vec![1.0, nan, 1.0])];
    assert!(matches!(bar.figure(), Err(Error::NotFinite(_))));
    (bar.rows, bar.groups) = (vec![], vec![("x".into(), vec![])]);
    assert!(matches!(bar.figure(), Err(Error::Shape(_))));

    assert!(matches!(heat(Matrix::zeros(0, 3)).figure(), Err(Error::Shape(_))));
    assert!(matches!(heat(Matrix::from_fn(2, 2, |_, _| nan)).figure(), Err(Error::NotFinite(_))));
    let mut map = heat(ramp(4, 4));
    map.full = Some(0.1);
    assert!(matches!(map.figure(), Err(Error::Domain(_))), "nothing is clipped");
    map.full = Some(nan);
    assert!(matches!(map.figure(), Err(Error::Domain(_))));
    map.full = None;
    map.rows = vec![("a".into(), 3)];
    assert!(matches!(map.figure(), Err(Error::Shape(_))));
    map.rows = vec![("a".into(), usize::MAX), ("b".into(), 5)];
    assert!(matches!(map.figure(), Err(Error::Shape(_))));
    let mut map = heat(ramp(2, 13));
    map.numbers = Some(Digits::Fixed(1));
    assert!(matches!(map.figure(), Err(Error::Shape(_))));
    well_made(&heat(Matrix::zeros(3, 3)).figure().unwrap());

    let mut cloud = scatter();
    cloud.clouds[1].arrows.pop();
    assert!(matches!(cloud.figure(), Err(Error::Shape(_))));
    cloud.clouds = vec![Cloud { points: vec![(nan, 0.0)], ..Cloud::default() }];
    assert!(matches!(cloud.figure(), Err(Error::NotFinite(_))));
    cloud.clouds.clear();
    assert!(matches!(cloud.figure(), Err(Error::Shape(_))));
    cloud.clouds = vec![Cloud { points: vec![(2.0, 2.0)], ..Cloud::default() }];
    well_made(&cloud.figure().unwrap());

    let mut grid = images();
    grid.rows[1].1.push(Picture { caption: String::new(), pixels: ramp(4, 3) });
    assert!(matches!(grid.figure(), Err(Error::Shape(_))));
    grid.rows = vec![("x".into(), vec![])];
    assert!(matches!(grid.figure(), Err(Error::Shape(_))));
    grid.rows = vec![("x".into(), vec![Picture { caption: String::new(), pixels: Matrix::zeros(0, 0) }])];
    assert!(matches!(grid.figure(), Err(Error::Shape(_))));
    assert!(Picture::new("", 3, &[0.0; 8]).is_err() && Picture::new("", 0, &[0.0; 8]).is_err());
}

/// The numbers written at the ticks of the upward axis, from the bottom: they end where the grid begins.
fn upward_ticks(figure: &Figure) -> Vec<(f64, f64)> {
    let nodes = parse(&figure.svg(), &[]);
    let mut out = Vec::new();
    for pair in nodes.windows(2) {
        if let [Node::Open(name, a), Node::Text(text)] = pair
            && name == "text"
            && attribute(a, "text-anchor") == "end"
        {
            out.push((number(text), attribute(a, "y").parse().unwrap()));
        }
    }
    out
}
/// A number as it is typeset, read back.
fn number(text: &str) -> f64 {
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let text = text.replace('\u{a0}', "").replace('−', "-");
    let (mantissa, power) = match text
        .split_once("10")
        .filter(|(m, p)| (m.is_empty() || m.ends_with(['×', '·'])) && p.starts_with(|c| RAISED.contains(c) || c == '⁻'))
    {
        Some((m, p)) => (m.trim_end_matches(['×', '·']), p),
        None => (text.as_str(), ""),
    };
    let digits: String = power.chars().map(|c| RAISED.chars().position(|r| r == c).map_or('-', |d| char::from(b'0' + d as u8))).collect();
    format!("{}e{}", if mantissa.is_empty() { "1" } else { mantissa }, if digits.is_empty() { "0" } else { &digits })
        .parse()
        .unwrap_or_else(|_| panic!("{text:?}"))
}

#[test]
fn ticks_are_few_and_round_and_stand_where_they_say() {
    let mut rng = Rng::new(7);
    for case in 0..400 {
        let size = power_of_ten(rng.below(19) as i32 - 9);
        let (a, b) = (rng.gaussian() * size, rng.gaussian() * size);
        let figure = line(&[(0.0, a), (1.0, b)]).figure().unwrap();
        let ticks = upward_ticks(&figure);
        assert!((3..=11).contains(&ticks.len()), "case {case}: {a} to {b}: {ticks:?}");
        let step = ticks[1].0 - ticks[0].0;
        let lead = step / power_of_ten(decade(step * 1.0000001));
        assert!([1.0, 2.0, 5.0].iter().any(|m| (lead - m).abs() < 1e-6), "case {case}: step {step}");
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        assert!(
            ticks[0].0 <= low + step * 1e-6 && ticks[ticks.len() - 1].0 >= high - step * 1e-6,
            "case {case}: {low} to {high} leaves {ticks:?}"
        );
        // Equal steps, equal distances, to the two decimals of the coordinates; no text leaves out a digit.
        for (i, w) in ticks.windows(2).enumerate() {
            assert!((w[1].0 - ticks[0].0 - (i + 1) as f64 * step).abs() < 1e-9 * step, "case {case}: {ticks:?}");
            assert!((w[1].1 - w[0].1 - (ticks[1].1 - ticks[0].1)).abs() <= 0.021, "case {case}: {ticks:?}");
        }
    }
    for (low, high) in [(1e6, 1e6 + 3.0), (123456.0, 123456.01), (-2e9 - 7.0, -2e9), (1e-7, 1.0000001e-7)] {
        let ticks = upward_ticks(&line(&[(0.0, low), (1.0, high)]).figure().unwrap());
        assert!(ticks.windows(2).all(|w| w[1].0 > w[0].0), "{low} to {high}: {ticks:?}");
        assert!(ticks[0].0 <= low && ticks[ticks.len() - 1].0 >= high, "{low} to {high}: {ticks:?}");
    }
}

#[test]
fn a_log_axis_gives_equal_factors_equal_distances() {
    for (low, high) in [(1.0, 1000.0), (2e-6, 3e2), (0.11, 0.9), (1e-40, 1e40), (1.0, 9e4)] {
        let mut chart = line(&[(0.0, low), (1.0, high)]);
        chart.y = Axis::log("y");
        let ticks = upward_ticks(&chart.figure().unwrap());
        assert!((2..=12).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
        let slope = |w: &[(f64, f64)]| (w[1].1 - w[0].1) / (w[1].0 / w[0].0).ln();
        let overall = slope(&[ticks[0], ticks[ticks.len() - 1]]);
        for w in ticks.windows(2) {
            let distance = overall * (w[1].0 / w[0].0).ln();
            assert!((w[1].1 - w[0].1 - distance).abs() <= 0.021, "{low} to {high}: {ticks:?}");
            let lead = w[1].0 / power_of_ten(decade(w[1].0));
            assert!([1.0, 2.0, 5.0].iter().any(|m| (lead - m).abs() < 1e-9), "{ticks:?}");
        }
    }
}

#[test]
fn bars_begin_at_zero_and_are_as_long_as_their_numbers() {
    for values in [vec![4.0, 1.0, 0.5, 3.0, -2.0], vec![103.0, 101.0, 102.0], vec![-7.0, -6.5], vec![0.0]] {
        let groups = vec![("only".to_string(), values.clone())];
        let rows = values.iter().map(f64::to_string).collect();
        let chart = BarChart { label: label("bar"), measure: "m".into(), rows, groups, digits: Digits::Fixed(1) };
        let nodes = well_made(&chart.figure().unwrap());
        let read = |a: &Vec<(String, String)>, k: &str| attribute(a, k).parse::<f64>().unwrap();
        let solid = opened(&nodes, "rect").into_iter().filter(|a| attribute(a, "class") == "solid");
        let bars: Vec<(f64, f64)> = solid.map(|a| (read(a, "x"), read(a, "width"))).collect();
        assert_eq!(bars.len(), values.len());
        let most = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let longest = bars.iter().fold(0.0, |m: f64, b| m.max(b.1));
        let zero = |i: usize| if values[i] < 0.0 { bars[i].0 + bars[i].1 } else { bars[i].0 };
        for (i, v) in values.iter().enumerate() {
            assert!((bars[i].1 * most - v.abs() * longest).abs() <= 0.02 * most, "{values:?}: {bars:?}");
            assert!((zero(i) - zero(0)).abs() <= 0.02, "{values:?}: {bars:?}");
        }
    }
}

/// Ink per sign: for each colour class the sum of cells times their opacity.
fn ink(figure: &Figure) -> [f64; 2] {
    let nodes = parse(&figure.inline(), &[]);
    let (mut sums, mut colour, mut inside) = ([0.0; 2], 0, false);
    for node in &nodes {
        let Node::Open(name, a) = node else { continue };
        let class = attribute(a, "class");
        inside = match (name.as_str(), class) {
            ("g", "cells") => sums == [0.0; 2],
            ("rect" | "text", _) => false,
            _ => inside,
        };
        if name == "g" && class != "cells" {
            colour = usize::from(class == "s1");
        }
        if name == "path" && inside {
            let opacity: f64 = attribute(a, "fill-opacity").parse().unwrap();
            let cells: usize = attribute(a, "d")
                .split('M')
                .skip(1)
                .map(|run| run.split('h').nth(1).unwrap().trim_end_matches("v1").parse::<usize>().unwrap())
                .sum();
            sums[colour] += opacity * cells as f64;
        }
    }
    sums
}

#[test]
fn shades_are_in_proportion_to_the_numbers() {
    let mut rng = Rng::new(3);
    for _ in 0..20 {
        let values = Matrix::from_fn(1 + rng.below(20), 1 + rng.below(20), |_, _| rng.gaussian());
        let full = values.data().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let figure = heat(values.clone()).figure().unwrap();
        let [up, down] = ink(&figure);
        let sum = |sign: f64| values.data().iter().map(|x| if x * sign > 0.0 { x.abs() / full } else { 0.0 }).sum::<f64>();
        // A cell is at most half a shade of 32 off, and its opacity is written to three places.
        let allowed = values.data().len() as f64 * (0.5 / 32.0 + 0.0005);
        assert!((up - sum(1.0)).abs() <= allowed && (down - sum(-1.0)).abs() <= allowed, "{up} {down}");
    }
}

fn table() -> Table {
    let columns = vec![
        Column::count("`k`"),
        Column::text("what"),
        Column::real("`R_c`", "nats", Digits::Fixed(3)),
        Column::real("a rather long heading", "%", Digits::Significant(4)),
        Column::real("tiny", "", Digits::Significant(2)),
        Column::real("exact", "", Digits::Shortest),
    ];
    let mut table = Table::new("t", "A table of `R_c`, with a comma", columns);
    table.row([1usize.into(), "one, \"quoted\"".into(), (1.0 / 3.0).into(), 1e9.into(), (-3.05e-13).into(), 0.5.into()]).unwrap();
    table.row([20usize.into(), "`Z^T`".into(), (-0.0001).into(), (2.0f64 / 3.0).into(), 0.0.into(), 0.03125.into()]).unwrap();
    table.row([Cell::Count(-300), Cell::Blank, (-12.5).into(), 99999.0.into(), 1e300.into(), (-1.0).into()]).unwrap();
    table
}

#[test]
fn a_table_says_the_same_in_every_form() {
    let table = table();
    let exact: Vec<Vec<String>> = csv::read_text(table.csv().as_bytes()).unwrap();
    let json = Json::parse(table.json().to_string().as_bytes()).unwrap();
    let cells = json.get("rows").unwrap().as_array().unwrap();
    assert_eq!(exact[0], ["k", "what", "R_c [nats]", "a rather long heading [%]", "tiny", "exact"]);
    let html = parse(&table.html(), &[]);
    let body = &texts(&html, &["th", "td"])[table.rows()[0].len()..];
    let text = table.text(100);
    let lines: Vec<&str> = text.lines().collect();
    for (i, row) in table.rows().iter().enumerate() {
        let shown: Vec<&str> = lines[4 + i].split("  ").map(str::trim).filter(|w| !w.is_empty()).collect();
        assert_eq!(shown.len(), row.len(), "{:?}", lines[4 + i]);
        for (j, cell) in row.iter().enumerate() {
            let from_json = &cells[i].as_array().unwrap()[j];
            match cell {
                Cell::Real(x) => {
                    assert_eq!(exact[i + 1][j].parse::<f64>().unwrap().to_bits(), x.to_bits());
                    assert_eq!(from_json.as_f64().unwrap().to_bits(), x.to_bits());
                    assert_eq!(body[i * row.len() + j], typeset(shown[j]));
                    // Four digits or three places: the least of what the columns show.
                    assert!((shown[j].parse::<f64>().unwrap() - x).abs() <= 5e-4f64.max(x.abs() * 0.05), "{} for {x}", shown[j]);
                }
                Cell::Count(n) => {
                    assert_eq!((exact[i + 1][j].as_str(), from_json.as_i64()), (n.to_string().as_str(), Some(*n)));
                    assert_eq!(shown[j], n.to_string());
                }
                Cell::Text(t) => {
                    assert_eq!((exact[i + 1][j].as_str(), from_json.as_str()), (plain(t).as_str(), Some(plain(t).as_str())));
                    assert_eq!(shown[j], plain(t));
                }
                Cell::Blank => assert_eq!((exact[i + 1][j].as_str(), from_json, shown[j]), ("", &Json::Null, "–")),
            }
        }
    }
    assert_eq!(opened(&html, "caption").len(), 1);
    let scopes: Vec<&str> = opened(&html, "th").into_iter().map(|a| attribute(a, "scope")).collect();
    assert_eq!(scopes, [vec!["col"; 6], vec!["row"; 3]].concat());
}

#[test]
fn a_wide_table_is_cut_into_bands_that_repeat_the_first_column() {
    let mut columns = vec![Column::text("name")];
    columns.extend((0..30).map(|j| Column::real(&format!("column {j}"), "", Digits::Fixed(4))));
    let mut table = Table::new("wide", "Wide", columns);
    for i in 0..3 {
        let mut row: Vec<Cell> = vec![format!("row {i}").into()];
        row.extend((0..30).map(|j| Cell::Real((i * 31 + j) as f64)));
        table.push(row).unwrap();
    }
    for width in [40, 60, 100] {
        let text = table.text(width);
        assert!(text.lines().all(|l| l.chars().count() <= width));
        let bands = text.split("\n\n").count();
        assert_eq!(text.matches("row 2").count(), bands);
        for j in 0..30 {
            assert_eq!(text.matches(&format!("{}.0000", 62 + j)).count(), 1, "column {j} at width {width}");
        }
    }
}

#[test]
fn a_table_refuses_what_it_cannot_hold() {
    let mut table = Table::new("t", "t", vec![Column::count("a"), Column::real("b", "", Digits::Fixed(1))]);
    assert!(matches!(table.row([1usize.into()]), Err(Error::Shape(_))));
    assert!(matches!(table.row([1usize.into(), f64::NAN.into()]), Err(Error::NotFinite(_))));
    assert!(matches!(table.row([1usize.into(), f64::NEG_INFINITY.into()]), Err(Error::NotFinite(_))));
    assert!(table.rows().is_empty());
    assert_eq!(Table::new("empty", "", vec![]).text(80), "");
}

#[test]
fn digits_are_what_was_asked_for() {
    let cases = [
        (Digits::Fixed(3), 1.0005, "1.000"),
        (Digits::Fixed(2), -0.001, "0.00"),
        (Digits::Fixed(0), 2.5, "2"),
        (Digits::Significant(3), 0.00012345, "0.000123"),
        (Digits::Significant(3), 0.000012345, "1.23e-5"),
        (Digits::Significant(3), 123456.0, "123456"),
        (Digits::Significant(3), 1234567.0, "1.23e6"),
        (Digits::Significant(2), 99.9, "100"),
        (Digits::Significant(4), -0.5, "-0.5000"),
        (Digits::Significant(0), 0.26, "0.3"),
        (Digits::Significant(3), 0.0, "0"),
        (Digits::Shortest, 0.03125, "0.03125"),
    ];
    for (digits, x, text) in cases {
        assert_eq!(digits.show(x), text, "{digits:?} of {x}");
    }
    assert_eq!(Digits::Significant(2).print(-3.14e-13), "−3.1\u{a0}×\u{a0}10⁻¹³");
    for e in [-300, -5, -1, 0, 1, 2, 15, 22, 300] {
        assert_eq!(decade(power_of_ten(e)), e);
        assert_eq!(decade(-power_of_ten(e) * 9.99), e);
    }
}

#[test]
fn formulas_read_well_everywhere() {
    assert_eq!(
        formula("R_c = ½ log det(I + α Z^TZ)"),
        "<i>R</i><sub><i>c</i></sub> = ½ log det(<i>I</i> + α <i>Z</i><sup><i>T</i></sup><i>Z</i>)"
    );
    assert_eq!(formula("M_k^{−1}xU"), "<i>M</i><sub><i>k</i></sub><sup>−1</sup><i>xU</i>");
    assert_eq!(formula("a_{i<j}"), "<i>a</i><sub><i>i</i>&lt;<i>j</i></sub>");
    assert_eq!(formula("x_"), "<i>x</i>");
    assert_eq!(plain("is `M_k^{−1}Z^T`, x_1^2"), "is M_k⁻¹Zᵀ, x_1^2");
    assert_eq!(plain("`e^{−λt}`"), "e^{−λt}");
    assert_eq!(prose("a < `b`"), "a &lt; <span class=\"math\"><i>b</i></span>");
    assert_eq!(escape("\u{7}é<"), "\u{fffd}é&lt;");
    let text = wrapped(&"word and ".repeat(50), 40, 4);
    assert!(text.lines().all(|l| l.starts_with("    ") && l.chars().count() <= 40));
    assert_eq!(text.split_whitespace().count(), 100);
}

// The tour.

fn quick(progress: &mut dyn FnMut(&Progress)) -> Tour<'_> {
    let mut tour = Tour::new(true, progress).unwrap();
    for number in 1..=CHAPTERS.len() {
        tour.run(number).unwrap();
    }
    tour
}
fn column(sections: &[Section], table: &str, j: usize) -> Vec<f64> {
    let table = sections.iter().flat_map(Section::tables).find(|t| t.name() == table).unwrap();
    let real = |row: &Vec<Cell>| match row[j] {
        Cell::Real(x) => x,
        Cell::Count(n) => n as f64,
        _ => panic!("not a number"),
    };
    table.rows().iter().map(real).collect()
}

#[test]
fn the_tour_keeps_its_claims_and_repeats_itself() {
    let mut heard: Vec<(usize, usize, usize)> = Vec::new();
    let mut listen = |p: &Progress| heard.push((p.chapter, p.done, p.total));
    let tour = quick(&mut listen);
    let sections = tour.sections();
    assert_eq!(sections.len(), CHAPTERS.len());
    for section in sections {
        assert!(section.claims().count() > 0, "{}: a chapter without a claim", section.name);
        for claim in section.claims() {
            assert!(claim.holds, "{}: {} {}", section.name, claim.statement, claim.evidence);
        }
        assert!((1..=PARTS.len()).contains(&section.part));
        assert!(section.text(100).lines().all(|l| l.chars().count() <= 100), "{}: too wide for a terminal", section.name);
        section.figures().for_each(|f| drop(well_made(f)));
    }

    // What is lost is the tail of the spectrum; ΔR = R − R_c rises step by step and stays below its ceiling.
    let [first, loss, tail] = [1, 2, 3].map(|j| column(sections, "subspace-loss", j));
    // To the rounding of chains of 64 products.
    let energy = first[0] + tail[0];
    assert!(loss.iter().zip(&tail).all(|(a, b)| (a - b).abs() <= 64.0 * f64::EPSILON * energy));
    assert!(loss.windows(2).all(|w| w[1] <= w[0]));
    let [r, r_c, gain, cosine] = [1, 2, 3, 4].map(|j| column(sections, "ascent-path", j));
    assert!(gain.windows(2).all(|w| w[1] > w[0]) && cosine.windows(2).all(|w| w[1] < w[0]));
    assert!((0..gain.len()).all(|i| (r[i] - r_c[i] - gain[i]).abs() <= 4.0 * f64::EPSILON * r[i]));
    let (gain, top) = (column(sections, "bits-unit", 4), column(sections, "bits-unit", 5));
    assert!(gain.iter().zip(&top).all(|(g, t)| *g > 0.0 && g <= t));

    // One page: well formed, every identifier once, every link answered, nothing from outside.
    let html = tour.html();
    let nodes = parse(&html, &["meta", "link"]);
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("src=") && !html.contains("url("));
    let ids: Vec<&str> = nodes
        .iter()
        .filter_map(|n| if let Node::Open(_, a) = n { Some(attribute(a, "id")) } else { None })
        .filter(|i| !i.is_empty())
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an identifier twice");
    let names: BTreeSet<String> = sections
        .iter()
        .flat_map(|s| s.figures().map(|f| format!("{}.svg", f.name())).chain(s.tables().map(|t| format!("{}.csv", t.name()))))
        .collect();
    for link in opened(&nodes, "a").into_iter().map(|a| attribute(a, "href")) {
        assert!(link.strip_prefix('#').map_or(names.contains(link), |id| unique.contains(id)), "a link to {link}");
    }
    assert_eq!(opened(&nodes, "svg").len(), sections.iter().flat_map(Section::figures).count());

    // The files are those, whole.
    let dir = folder("tour-files");
    let written = tour.write(&dir).unwrap();
    let file_names: BTreeSet<String> = written.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(file_names.len(), written.len());
    assert_eq!(file_names, names.into_iter().chain(["index.html".to_string()]).collect());
    assert_eq!(std::fs::read_to_string(dir.join("index.html")).unwrap(), html);

    // A second run: the same bytes.
    let mut silent = |_: &Progress| {};
    assert!(quick(&mut silent).html() == html);
    assert!(heard.iter().any(|h| h.2 > 1) && heard.iter().all(|h| h.1 <= h.2));
    assert_eq!(heard.last().unwrap().2, 0, "the last word is that nothing is under way");
}

#[test]
fn there_is_no_chapter_beyond_the_last() {
    let mut silent = |_: &Progress| {};
    let mut tour = Tour::new(true, &mut silent).unwrap();
    assert!(matches!(tour.run(0), Err(Error::Usage(_))));
    assert!(matches!(tour.run(CHAPTERS.len() + 1), Err(Error::Usage(_))));
    assert!(tour.sections().is_empty());
    let names: BTreeSet<&str> = CHAPTERS.iter().map(|c| c.name).collect();
    assert_eq!(names.len(), CHAPTERS.len());
}

fn command(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_white-box")).arg("tour").args(args).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}
/// A place where nothing is.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn the_command_prints_tables_and_says_where_the_files_are() {
    let out = folder("tour-command");
    let (code, stdout, stderr) = command(&["--quick", "--chapter", "1", "--out", out.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (0, ""), "no progress where nobody watches");
    assert!(stdout.contains("1. One linear subspace") && stdout.contains(&format!("{}", out.join("index.html").display())));
    assert!(!stdout.contains('\u{1b}') && !stdout.contains('\r'));
    assert!(out.join("subspace-loss.csv").exists() && !out.join("bits-raw.csv").exists());

    let (code, stdout, _) = command(&["--quick", "--chapter", "1", "--json", "--out", out.to_str().unwrap()]);
    let json = Json::parse(stdout.as_bytes()).unwrap();
    assert_eq!((code, json.get("failed").unwrap().as_i64()), (0, Some(0)));
    let chapter = &json.get("chapters").unwrap().as_array().unwrap()[0];
    assert_eq!(chapter.get("tables").unwrap().as_array().unwrap()[0].get("name").unwrap().as_str(), Some("subspace-loss"));
}

#[test]
fn the_command_refuses_what_it_does_not_understand() {
    for args in [&["--part", "9"][..], &["--chapter", "0"], &["--chapter", "one"], &["--fast"], &["surplus"]] {
        let (code, stdout, stderr) = command(args);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(stderr.starts_with("white-box: ") && !stderr.contains("panicked"), "{stderr}");
    }
    // A file stands where the directory should go.
    let file = folder("tour-in-the-way");
    std::fs::write(&file, "x").unwrap();
    let (code, _, stderr) = command(&["--quick", "--chapter", "1", "--out", file.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(stderr.contains("a directory to write into"), "{stderr}");
}
