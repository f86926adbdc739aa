//! The report: one HTML file that asks for nothing from outside and needs no script.

use super::markup::{escape, prose};
use super::section::Section;

/// The frame of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// A sentence or two below the title; formulas between backticks.
    pub lead: &'a str,
    /// The titles of the parts, the first being part 1.
    pub parts: &'a [&'a str],
    /// What is said at the end: sources, licence, how to repeat it.
    pub foot: &'a str,
}

impl Page<'_> {
    /// The file. A policy in its head forbids the browser every request.
    pub fn html(&self, sections: &[Section]) -> String {
        let title = escape(self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <header>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n</header>\n",
            super::figure::style(),
            prose(self.lead)
        );
        out.push_str("<nav aria-label=\"Contents\">\n<ol>\n");
        for section in sections {
            let link = format!("<a href=\"#{}\">{}</a>", escape(&section.name), prose(&section.title));
            out.push_str(&format!("<li value=\"{}\">{link}</li>\n", section.number));
        }
        out.push_str("</ol>\n</nav>\n");
        let mut part = 0;
        for section in sections {
            if section.part != part {
                part = section.part;
                let title = part.checked_sub(1).and_then(|p| self.parts.get(p)).copied().unwrap_or_default();
                out.push_str(&format!("<p class=\"part\">Part {part}: {}</p>\n", prose(title)));
            }
            out.push_str(&section.html());
        }
        if sections.iter().any(|s| s.claims().next().is_some()) {
            out.push_str(&summary(sections));
        }
        out.push_str(&format!("<footer>\n<p>{}</p>\n</footer>\n</main>\n</body>\n</html>\n", prose(self.foot)));
        out
    }
}

/// All claims with their verdicts.
fn summary(sections: &[Section]) -> String {
    let mut out = String::from(
        "<section id=\"claims\">\n<h2>What was claimed, and what came out</h2>\n<div class=\"table\" role=\"region\" aria-label=\"Claims\" tabindex=\"0\">\n\
         <table class=\"claims\">\n<caption><span class=\"caption\">Every claim of this report, decided by the numbers above</span></caption>\n\
         <thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Verdict</th></tr></thead>\n<tbody>\n",
    );
    for section in sections {
        for claim in section.claims() {
            out.push_str(&format!(
                "<tr><th scope=\"row\"><a href=\"#{}\">{}</a> {}</th><td>{}</td></tr>\n",
                escape(&section.name),
                section.number,
                prose(&claim.statement),
                claim.verdict()
            ));
        }
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
    out
}

const STYLE: &str = "\
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:1.0625rem/1.6 Charter,'Bitstream Charter','Sitka Text',Cambria,Georgia,serif}
main{max-width:44rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1,h2,nav,table,figcaption,.part,.claim strong,footer,header .lead{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
h1{font-size:2rem;line-height:1.2;margin:0 0 .5rem;text-wrap:balance}
h2{font-size:1.4rem;line-height:1.25;margin:3.5rem 0 1rem;text-wrap:balance}h2 .number{color:var(--quiet);font-weight:400;margin-right:.35rem}
.part{margin:3.5rem 0 -2rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--quiet);font-size:.9rem}
.lead{color:var(--quiet);font-size:1.05rem;line-height:1.5;margin:0}
p{margin:0 0 1rem;text-wrap:pretty}a{color:var(--s0)}a:focus-visible,.table:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
nav{margin:1.75rem 0 0;font-size:.95rem}nav ol{margin:0;padding-left:1.5rem}nav li{padding:.15rem 0}nav a{text-decoration:none}nav a:hover{text-decoration:underline}
.math{font-family:'STIX Two Text','STIX Two Math','Cambria Math',Cambria,Georgia,serif;white-space:nowrap}.math i{margin:0 .03em}.math sub,.math sup{font-size:.72em;line-height:0}
.formula{font-size:1.1rem;text-align:center;margin:1.25rem 0;padding:.25rem 0;overflow-x:auto}
.claim{border-left:4px solid var(--quiet);padding:.1rem 0 .1rem .9rem;margin:1.25rem 0}
.claim.good{border-color:var(--s2)}.claim.bad{border-color:var(--s1)}.claim strong{font-size:.8rem;letter-spacing:.04em;text-transform:uppercase;margin-right:.3rem}
.claim.good strong{color:var(--s2)}.claim.bad strong{color:var(--s1)}.claim .evidence{color:var(--quiet)}
.table,figure{background:var(--surface);border:1px solid var(--line);border-radius:10px;margin:1.5rem 0;padding:1rem}
.table{overflow-x:auto;padding:.85rem 0 .4rem;width:fit-content;min-width:min(100%,30rem);max-width:100%}
table{border-collapse:collapse;font-size:.86rem;line-height:1.35;font-variant-numeric:tabular-nums;width:100%}
caption{text-align:left;padding:0 1rem .7rem;font-weight:600;font-size:.92rem;text-wrap:pretty}caption span.caption{position:sticky;left:1rem;display:inline-block;max-width:calc(100vw - 4.5rem)}caption a,figcaption a{font-weight:400;font-size:.8rem;margin-left:.35rem}
th,td{padding:.34rem .6rem;text-align:left;font-weight:400;vertical-align:top;white-space:nowrap}th:first-child{padding-left:1rem}th:last-child,td:last-child{padding-right:1rem}
thead th{border-bottom:1px solid var(--quiet);vertical-align:bottom;color:var(--quiet)}thead .unit{display:block;font-size:.92em}
tbody tr+tr th,tbody tr+tr td{border-top:1px solid var(--line)}tbody th{position:sticky;left:0;background:var(--surface)}
.number{text-align:right}h2 .number{text-align:left}.claims tbody th{white-space:normal}table .math{font-size:1.06em}
figure svg{display:block;width:100%;height:auto;max-width:33rem;margin:0 auto}
figcaption{font-size:.88rem;line-height:1.5;color:var(--quiet);margin-top:.85rem}figcaption strong{color:var(--ink)}
.figures{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));margin:1.5rem 0}.figures figure{margin:0}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--quiet);font-size:.85rem;line-height:1.55}
@media (min-width:62rem){.figures{margin-left:-5rem;margin-right:-5rem}.table{max-width:calc(100% + 8rem)}}
@media (max-width:34rem){main{padding:1.5rem 1rem 3rem}h1{font-size:1.6rem}figure{padding:.75rem .6rem}.formula{font-size:1rem;text-align:left}}
@media print{body{background:none}.table,figure,.claim{break-inside:avoid}nav{display:none}}
";
