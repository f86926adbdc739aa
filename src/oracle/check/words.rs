//! A verdict for people and for programs.

use super::reproduce::question;
use super::{Dtype, Item, Verdict};
use crate::data::json::Json;
use crate::scalar::Ball;
use std::fmt::Write;

fn percent(part: usize, whole: usize) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    if share == share.trunc() { format!("{share}%") } else { format!("{share:.3}%") }
}
/// Ulps at one magnitude.
fn ulps(error: f64, dtype: Dtype, magnitude: f64) -> f64 {
    error / dtype.ulp(magnitude)
}
/// The enclosure, or that there is none.
fn interval(truth: Ball, certified: bool) -> String {
    if certified {
        format!("certified {}", truth.to_text())
    } else {
        format!("{} (double-double, not certified)", truth.mid().to_decimal(32))
    }
}

impl Verdict {
    /// The verdict in the words that `numpy.testing` and `torch.testing` use, and then what they do not say.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for item in &self.items {
            self.describe(item, &mut out);
        }
        if let Some(why) = &self.undecided {
            let _ = writeln!(out, "not certified: {why}");
        }
        match self.first_wrong() {
            Some(first) if self.items.iter().filter(|i| !i.name.starts_with("grad_")).count() > 1 => {
                let _ = writeln!(out, "first wrong, in the order of the computation: {}", first.name);
            }
            _ => {}
        }
        self.reasons(&mut out);
        out
    }

    fn reasons(&self, out: &mut String) {
        for (i, e) in self.because.iter().take(6).enumerate() {
            let says: Vec<&str> = e.causes.iter().map(|c| c.says.as_str()).collect();
            let same = i > 0 && self.because[i - 1].arrays == e.arrays;
            let _ = writeln!(out, "{} {}", if same { "or     " } else { "because" }, e.name());
            let _ = writeln!(out, "        {}", says.join("; and "));
            let _ = writeln!(
                out,
                "        explains {} to {:.2} ulps of {} (of the largest entry)",
                e.arrays.join(", "),
                e.ulps,
                self.dtype.name()
            );
        }
        if self.because.windows(2).any(|e| e[0].arrays == e[1].arrays) {
            let _ = writeln!(out, "        this input cannot tell what stands behind `or` from what stands before it");
        }
        if self.code() == 1 && self.because.is_empty() {
            let _ = writeln!(
                out,
                "because none of the {} known mistakes, alone or two together, gives these numbers",
                super::mistakes().count()
            );
        }
        if !self.blind.is_empty() {
            let _ = writeln!(out, "on this input a wrong implementation would agree too, for example with:");
            for blind in self.blind.iter().take(4) {
                let _ = writeln!(out, "  {}: {}", blind.cause.name, blind.cause.says);
            }
            if self.blind.len() > 4 {
                let _ = writeln!(out, "  and {} more", self.blind.len() - 4);
            }
            let case = self.blind.first().map(|b| question(self.op, &b.told_by));
            if let Some(case) = case {
                let _ = writeln!(out, "a case that tells the first from the truth:\n{case}");
            }
        }
        if let Some(r) = &self.reproducer {
            let _ = writeln!(out, "smallest case that shows it, for `white-box serve` and in Python:\n{}\n{}", r.json(), r.python());
        }
    }

    fn describe(&self, item: &Item, out: &mut String) {
        let dtype = self.dtype;
        if let Some(fault) = &item.fault {
            let _ = writeln!(out, "{}: {fault}", item.name);
            return;
        }
        let Some(worst) = item.worst else {
            let _ = writeln!(out, "{}: agrees (no elements)", item.name);
            return;
        };
        if item.agrees() {
            let error = worst.error();
            let _ = writeln!(
                out,
                "{}: agrees, {} elements, at most {:.3} of the allowed error, {:.3} ulps of {} at the worst element",
                item.name,
                item.elements,
                worst.share,
                ulps(error, dtype, worst.truth.magnitude()),
                dtype.name()
            );
            return;
        }
        let header = if item.differs() { "Not equal to tolerance" } else { "UNDECIDED at tolerance" };
        let rule = match self.tolerance {
            Some((rtol, atol)) => format!("rtol={rtol:e}, atol={atol:e}"),
            None => format!("derived for {}: at most {:.3e}", dtype.name(), item.allowed),
        };
        let _ = writeln!(out, "{}: {header} {rule}", item.name);
        if let Some(k) = item.not_finite {
            let found = if k == worst.at { worst.found } else { f64::NAN };
            let _ = writeln!(out, "  not finite: the first at index {} ({found})", item.index(k));
        }
        if item.differs() {
            let _ = writeln!(out, "  Mismatched elements: {} / {} ({})", item.outside, item.elements, percent(item.outside, item.elements));
            let (absolute, at) = item.greatest_absolute;
            let _ = writeln!(out, "  Greatest absolute difference: {absolute:e} at index {}", item.index(at));
            let (relative, at) = item.greatest_relative;
            let _ = writeln!(out, "  Greatest relative difference: {relative:e} at index {}", item.index(at));
        }
        if item.undecided > 0 {
            let _ =
                writeln!(out, "  Undecided elements: {} / {} ({})", item.undecided, item.elements, percent(item.undecided, item.elements));
        }
        let _ = writeln!(
            out,
            "  worst, at index {}: {:?} (ACTUAL), {} (up to {:.3e} allowed)",
            item.index(worst.at),
            worst.found,
            interval(worst.truth, self.undecided.is_none()),
            worst.allowed
        );
        let error = worst.error();
        let _ = writeln!(
            out,
            "  {:.3e} ulps of {} there, {:.3e} of the largest entry; {:.1} right digits",
            ulps(error, dtype, worst.truth.magnitude()),
            dtype.name(),
            ulps(error, dtype, item.largest),
            worst.right_digits()
        );
        match item.step_is_right {
            Some(true) => out.push_str("  follows from your own stages before it: the fault is older\n"),
            Some(false) => out.push_str("  does not follow from your own stages before it: the fault is made in this step\n"),
            None => {}
        }
        let words = item.elsewhere.map(|(who, noticed)| format!("{who} {}", if noticed { "yes" } else { "NO" }));
        let _ = writeln!(out, "  would others notice, at their defaults? {}", words.join(", "));
    }

    /// All of it for a program.
    pub fn json(&self) -> Json {
        let word = ["agrees", "differs", "", "undecided"][usize::from(self.code())];
        let mut fields = vec![
            ("op", Json::text(self.op)),
            ("verdict", Json::text(word)),
            ("version", Json::text(env!("CARGO_PKG_VERSION"))),
            ("dtype", Json::text(self.dtype.name())),
            ("items", Json::Array(self.items.iter().map(|i| self.item_json(i)).collect())),
        ];
        if let (Some(first), true) = (self.first_wrong(), self.items.len() > 1) {
            fields.push(("first_wrong", Json::text(&first.name)));
        }
        let cause = |c: &super::Cause| Json::object([("name", Json::text(&c.name)), ("says", Json::text(&c.says))]);
        let because = self.because.iter().map(|e| {
            Json::object([
                ("name", Json::text(e.name())),
                ("causes", Json::Array(e.causes.iter().map(cause).collect())),
                ("arrays", Json::Array(e.arrays.iter().map(Json::text).collect())),
                ("ulps", Json::real(e.ulps)),
            ])
        });
        fields.push(("because", Json::Array(because.collect())));
        let blind = self.blind.iter().map(|b| Json::object([("cause", cause(&b.cause)), ("told_by", question(self.op, &b.told_by))]));
        fields.push(("cannot_tell_from", Json::Array(blind.collect())));
        if let Some(r) = &self.reproducer {
            fields.push(("reproducer", Json::object([("json", r.json()), ("python", Json::text(r.python()))])));
        }
        if let Some((rtol, atol)) = self.tolerance {
            fields.push(("rtol", Json::real(rtol)));
            fields.push(("atol", Json::real(atol)));
        }
        if let Some(why) = &self.undecided {
            fields.push(("undecided", Json::text(why)));
        }
        Json::object(fields)
    }

    fn item_json(&self, item: &Item) -> Json {
        let mut fields = vec![
            ("name", Json::text(&item.name)),
            ("agrees", Json::Bool(item.agrees())),
            ("elements", Json::integer(item.elements as i64)),
            ("mismatched", Json::integer(item.outside as i64)),
            ("undecided", Json::integer(item.undecided as i64)),
            ("greatest_absolute_difference", Json::real(item.greatest_absolute.0)),
            ("greatest_relative_difference", Json::real(item.greatest_relative.0)),
        ];
        fields.extend(item.fault.as_ref().map(|f| ("fault", Json::text(f))));
        fields.extend(item.step_is_right.map(|right| ("step_is_right", Json::Bool(right))));
        fields.extend(item.not_finite.map(|k| ("not_finite", Json::text(item.index(k)))));
        if let Some(w) = item.worst {
            let error = w.error();
            fields.push((
                "worst",
                Json::object([
                    ("index", Json::text(item.index(w.at))),
                    ("actual", Json::real(w.found)),
                    ("expected", Json::text(w.truth.to_text())),
                    ("lower", Json::real(w.truth.lower())),
                    ("upper", Json::real(w.truth.upper())),
                    ("allowed", Json::real(w.allowed)),
                    ("share_of_allowed", Json::real(w.share)),
                    ("ulps", Json::real(ulps(error, self.dtype, w.truth.magnitude()))),
                    ("right_digits", Json::real(w.right_digits())),
                ]),
            ));
        }
        fields.push(("noticed_elsewhere", Json::object(item.elsewhere.map(|(who, noticed)| (who, Json::Bool(noticed))))));
        Json::object(fields)
    }
}
