//! Two runs compared, for people: as text and in Markdown.

use std::fmt::Write;

use super::escape;
use crate::compare::{Change, Comparison, MeasureChange, VerdictChange};

/// So many changes of one sort are listed.
const MOST: usize = 100;
/// Of those that say little, so many.
const FEW: usize = 10;

/// What a sort of change is called, and whether all of them are worth a line.
fn word(change: Change) -> &'static str {
    match change {
        Change::Broken => "BROKEN",
        Change::NotRun => "NOT RUN",
        Change::Fixed => "FIXED",
        Change::Flaky => "FLAKY",
        Change::Steady => "STEADY",
        Change::NewPassed => "NEW",
        Change::NewFailed => "NEW, FAILED",
        Change::NewSkipped => "NEW, SKIPPED",
        Change::NoLongerRun => "GONE",
        Change::NowSkipped => "SKIPPED",
        Change::NowRun => "RUN AGAIN",
    }
}

const OTHERS: [Change; 9] = [
    Change::NewFailed,
    Change::NowSkipped,
    Change::Flaky,
    Change::Fixed,
    Change::Steady,
    Change::NowRun,
    Change::NewPassed,
    Change::NewSkipped,
    Change::NoLongerRun,
];

/// The comparison as text. Each line that tells of a regression begins with a word in capitals.
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for warning in &comparison.warnings {
        let _ = writeln!(text, "warning: {}", escape::line(warning));
    }
    for (_, lines) in sections(comparison) {
        lines.iter().for_each(|[word, test, what]| {
            let _ = writeln!(text, "{word:<11} {test}{}{what}", if what.is_empty() { "" } else { " - " });
        });
    }
    let _ = writeln!(text, "Compared {}: {}", summary(comparison), outcome(comparison));
    text
}

/// The comparison in Markdown, for a job's summary or a comment.
pub fn markdown(comparison: &Comparison) -> String {
    let icon = if comparison.regressions() == 0 { "✅" } else { "❌" };
    let mut text = format!("## {icon} callwright: {}\n\nCompared {}.\n", outcome(comparison), summary(comparison));
    for warning in &comparison.warnings {
        let _ = writeln!(text, "\n⚠️ {}", escape::cell(warning, usize::MAX));
    }
    for (title, lines) in sections(comparison) {
        let _ = writeln!(text, "\n### {title}\n\n| | test | |\n|---|---|---|");
        for [word, test, what] in lines {
            let cells = [test, what].map(|cell| escape::cell(&cell, 300));
            let _ = writeln!(text, "| {word} | {} | {} |", cells[0], cells[1]);
        }
    }
    text
}

fn summary(comparison: &Comparison) -> String {
    let tests = if comparison.common == 1 { "1 test" } else { &format!("{} tests", comparison.common) };
    format!("{tests} and {} figures", comparison.figures)
}

fn outcome(comparison: &Comparison) -> String {
    let better = comparison.measures.iter().filter(|change| !change.regression).count();
    let fixed = comparison.verdicts.iter().filter(|change| change.change == Change::Fixed).count();
    let regressions = match comparison.regressions() {
        0 => "no regression".to_owned(),
        1 => "1 regression".to_owned(),
        several => format!("{several} regressions"),
    };
    let more = [(fixed, "fixed"), (better, "better")].into_iter().filter(|(count, _)| *count > 0);
    more.fold(regressions, |text, (count, word)| format!("{text}, {count} {word}"))
}

type Lines = Vec<[String; 3]>;

fn sections(comparison: &Comparison) -> Vec<(&'static str, Lines)> {
    let mut wrong: Lines = Vec::new();
    wrong.extend(comparison.verdicts.iter().filter(|change| change.change.is_regression()).map(verdict));
    let measures = |regression| comparison.measures.iter().filter(move |change| change.regression == regression);
    wrong.extend(measures(true).map(measure));
    let mut better: Lines = Vec::new();
    put(&mut better, measures(false).map(measure).collect(), MOST);
    let mut others: Lines = Vec::new();
    for kind in OTHERS {
        let of_kind = comparison.verdicts.iter().filter(|change| change.change == kind).map(verdict).collect();
        let little = matches!(kind, Change::NewPassed | Change::NewSkipped | Change::NoLongerRun);
        put(&mut others, of_kind, if little { FEW } else { MOST });
    }
    let sections = [("Regressions", wrong), ("Better", better), ("Other changes", others)];
    sections.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

/// At most `most` of `lines`, and how many more there are.
fn put(to: &mut Lines, mut lines: Lines, most: usize) {
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        let word = lines[0][0].clone();
        lines.truncate(most);
        to.append(&mut lines);
        to.push([word, format!("and {more} more"), String::new()]);
    } else {
        to.append(&mut lines);
    }
}

fn verdict(change: &VerdictChange) -> [String; 3] {
    let VerdictChange { test, change, was, is, reason } = change;
    let told = match (was.as_str(), is.as_str()) {
        ("", _) | (_, "") => String::new(),
        (was, is) => format!("{was}, now {is}"),
    };
    let reason = reason.lines().next().unwrap_or_default();
    let parts: Vec<_> = [told.as_str(), reason].into_iter().filter(|part| !part.is_empty()).collect();
    [word(*change).to_owned(), named(&test.test, &test.host), escape::line(&parts.join(": "))]
}

fn measure(change: &MeasureChange) -> [String; 3] {
    let MeasureChange { test, measure, regression, judgement } = change;
    let by = judgement.new - judgement.old;
    let share = match judgement.old.abs() {
        old if old > 1e-9 && !measure.contains("_db") => format!(" ({:+.0} %)", by / old * 100.0),
        _ => String::new(),
    };
    let counts = match (judgement.old_count, judgement.new_count) {
        (1, 1) => String::new(),
        (old, new) => format!(", medians of {old} and {new}"),
    };
    let chance = judgement.p.map_or(String::new(), |p| format!(", p {}", Short(p)));
    let told = format!(
        "{}: {}, now {}{share}; {} would be allowed{counts}{chance}",
        escape::line(measure),
        Short(judgement.old),
        Short(judgement.new),
        Short(judgement.allowed)
    );
    let word = if *regression { "WORSE" } else { "BETTER" };
    [word.to_owned(), named(&test.test, &test.host), told]
}

fn named(test: &str, host: &str) -> String {
    format!("{} ({})", escape::line(test), escape::line(host))
}

/// A number with as many digits as say something.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.abs() {
            0.0 => f.write_str("0"),
            small if small < 0.001 => write!(f, "{:.1e}", self.0),
            small if small < 10.0 => f.write_str(format!("{:.3}", self.0).trim_end_matches('0').trim_end_matches('.')),
            _ => f.write_str(format!("{:.1}", self.0).trim_end_matches(".0")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::measure::{Better, Tolerance};
    use crate::compare::{Named, statistics::judge};

    fn sample() -> Comparison {
        let test = |name: &str| Named { test: format!("scenarios/a.yaml::{name}"), host: "embedded".into() };
        let verdict = |name: &str, change, was: &str, is: &str, reason: &str| VerdictChange {
            test: test(name),
            change,
            was: was.into(),
            is: is.into(),
            reason: reason.into(),
        };
        let measure = |measure: &str, old: &[f64], new: &[f64], better| {
            let judgement = judge(old, new, better, Tolerance { relative: 0.2, absolute: 1.0 }).unwrap();
            MeasureChange { test: test("tone"), measure: measure.into(), regression: judgement.worse, judgement }
        };
        let repeats: Vec<f64> = (0..8).map(f64::from).collect();
        let slow: Vec<f64> = repeats.iter().map(|value| value + 200.0).collect();
        let mut verdicts = vec![
            verdict("x", Change::Broken, "passed", "failed", "answered: no\x1b[2J|\nmore"),
            verdict("y", Change::Broken, "3 of 3 passed", "2 of 3 passed", ""),
            verdict("z", Change::NotRun, "passed", "", ""),
            verdict("f", Change::Fixed, "failed", "passed", ""),
            verdict("n", Change::NewFailed, "", "failed", "sip code: 486"),
        ];
        verdicts.extend((0..12).map(|n| verdict(&format!("gone {n}"), Change::NoLongerRun, "passed", "", "")));
        let measures = vec![
            measure("setup_time_ms", &[21.5], &[210.0], Better::Less),
            measure("caller.heard.level_dbm0", &[-3.0], &[-9.1], Better::Same),
            measure("pdd_ms", &repeats, &slow, Better::Less),
            measure("callee.like.mos", &[2.0], &[4.25], Better::More),
        ];
        let warnings = vec!["other hosts: a, now b".to_owned()];
        Comparison { common: 5, figures: 40, verdicts, measures, warnings }
    }

    #[test]
    fn a_comparison_as_text() {
        insta::assert_snapshot!(text(&sample()));
    }

    #[test]
    fn a_comparison_in_markdown() {
        insta::assert_snapshot!(markdown(&sample()));
    }
}
