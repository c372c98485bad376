//! How a dashboard looks.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Sparkline};

use super::view::{Mode, View};
use crate::metrics::{Snapshot, Timing};
use crate::report::escape;
use crate::verdict::Verdict;

/// Columns of a figure with its name.
const CELL: u16 = 20;

/// Rows of a sparkline with its title.
const SPARK: u16 = 3;

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const BAR: Style = Style::new().add_modifier(Modifier::REVERSED);

const KEYS: &str = "+ - r:rate l:limit m:max p:pause s:stop h:hang up q:quit ?";

const HELP: [&str; 10] = [
    "+ -   the rate by 10 %",
    "r     the rate, typed in calls a second",
    "l     calls at once",
    "m     calls in all",
    "p     pause, and go on",
    "s     stop: calls that are up come to their end",
    "h q   stop, and hang up the calls of the load",
    "H     hang up every call on the hosts, after y",
    "^C    as Ctrl-C of a run; twice: leave at once",
    "?     this",
];

pub(super) fn draw(view: &View, frame: &mut Frame<'_>) {
    let area = frame.area();
    let columns = (area.width / CELL).max(1);
    let figures = view.last.as_deref().map(|last| figures(view, last)).unwrap_or_default();
    let rows = u16::try_from(figures.len()).unwrap_or(0).div_ceil(columns);
    let parts = [
        Constraint::Length(1),
        Constraint::Length(rows),
        Constraint::Length(if view.last.is_some() { SPARK } else { 0 }),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [title, grid, sparks, rest, bottom] = Layout::vertical(parts).areas(area);
    frame.render_widget(heading(view, title.width), title);
    for (index, (name, value, style)) in figures.iter().enumerate() {
        let index = u16::try_from(index).unwrap_or(0);
        let (x, y) = (index % columns * CELL, index / columns);
        let cell = Rect { x: grid.x + x, y: grid.y + y, width: CELL - 1, height: 1 }.intersection(grid);
        let value = Line::styled(value.as_str(), *style).right_aligned();
        frame.render_widget(Line::styled(*name, FAINT), cell);
        frame.render_widget(value, cell);
    }
    match view.last.as_deref() {
        Some(last) => {
            draw_sparks(view, frame, sparks);
            draw_rest(view, last, frame, rest);
        }
        None => frame.render_widget(Paragraph::new(waiting(view)), rest),
    }
    frame.render_widget(footer(view), bottom);
    if view.mode == Mode::Help {
        draw_help(frame);
    }
}

fn heading(view: &View, width: u16) -> Line<'static> {
    let elapsed = view.last.as_ref().map(|last| elapsed(last.elapsed_s)).unwrap_or_default();
    let name = view.load.as_deref().unwrap_or("callwright");
    let left = format!(" {name}  {}", view.phase());
    let fill = usize::from(width).saturating_sub(left.chars().count() + elapsed.len() + 1);
    Line::styled(format!("{left}{}{elapsed} ", " ".repeat(fill)), BAR)
}

fn waiting(view: &View) -> Vec<Line<'static>> {
    let up = match view.hosts.is_empty() {
        true => "no host is up yet".to_owned(),
        false => format!("up: {}", view.hosts.join(", ")),
    };
    let trouble = view.trouble.clone().map(|trouble| Line::styled(trouble, Color::Red));
    [Line::from("no figures yet"), Line::from(up)].into_iter().chain(trouble).collect()
}

type Figure = (&'static str, String, Style);

fn figures(view: &View, last: &Snapshot) -> Vec<Figure> {
    let counts = &last.counts;
    let none = || "-".to_owned();
    let limit = view.limit().map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    let most = view.max_offered().map_or_else(|| "none".to_owned(), |calls| calls.to_string());
    let bad = |count: u64| if count > 0 { Style::new().fg(Color::Red) } else { BOLD };
    let odd = |count: u64| if count > 0 { Style::new().fg(Color::Yellow) } else { BOLD };
    let skipped = counts.skipped_in_all();
    vec![
        ("rate asked", format!("{}/s", short(view.rate())), BOLD),
        ("rate offered", format!("{}/s", short(last.rates.offered)), BOLD),
        ("active", last.active_calls.to_string(), BOLD),
        ("limit", limit, BOLD),
        ("sessions", last.active_sessions.to_string(), BOLD),
        ("offered", counts.offered.to_string(), BOLD),
        ("of at most", most, BOLD),
        ("answered", counts.answered.to_string(), BOLD),
        ("failed", counts.failed().to_string(), bad(counts.failed())),
        ("skipped", skipped.to_string(), odd(skipped)),
        ("ASR", last.asr_percent.map_or_else(none, |asr| format!("{asr:.1}%")), BOLD),
        ("ACD", last.acd_s.map_or_else(none, |acd| format!("{acd:.1}s")), BOLD),
        ("Erlangs", last.erlangs.map_or_else(none, |erlangs| format!("{erlangs:.1}")), BOLD),
        ("peak", last.peak_calls.to_string(), BOLD),
        ("late", counts.late.to_string(), odd(counts.late)),
    ]
}

fn draw_sparks(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let [left, right] = halves(area);
    let peak = view.active.iter().max().copied().unwrap_or_default();
    // A sparkline is of whole numbers.
    let tenths: Vec<u64> = view.rates.iter().map(|rate| (rate * 10.0).round() as u64).collect();
    let fastest = tenths.iter().max().copied().unwrap_or_default() as f64 / 10.0;
    let active: Vec<u64> = view.active.iter().copied().collect();
    let of = [
        (left, format!("calls at once, up to {peak}"), active, Color::Cyan),
        (right, format!("calls/s offered, up to {}", short(fastest)), tenths, Color::Green),
    ];
    for (area, title, values, colour) in of {
        let newest = values.len().saturating_sub(usize::from(area.width));
        let block = Block::new().title(Span::styled(title, FAINT));
        frame.render_widget(Sparkline::default().block(block).data(&values[newest..]).style(colour), area);
    }
}

/// Two columns with a gap.
fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(2).areas(area)
}

fn draw_rest(view: &View, last: &Snapshot, frame: &mut Frame<'_>, area: Rect) {
    let [left, right] = halves(area);
    let mut lines = latencies(last, left.width);
    lines.push(Line::styled("ended by", FAINT));
    let cause = |cause: &crate::metrics::Frequency| {
        row(left.width, &escape::line(&cause.name).to_string(), &cause.count.to_string(), Style::new())
    };
    lines.extend(last.causes.iter().map(cause));
    frame.render_widget(Paragraph::new(lines), left);
    let mut lines = gates(last, right.width);
    lines.extend(hosts(last, right.width));
    lines.extend(view.trouble.clone().map(|trouble| Line::styled(trouble, Color::Red)));
    frame.render_widget(Paragraph::new(lines), right);
}

const LATENCIES: [(Timing, &str); 3] =
    [(Timing::SetupTime, "setup"), (Timing::Pdd, "PDD"), (Timing::LateStarts, "late start")];

fn latencies(last: &Snapshot, width: u16) -> Vec<Line<'static>> {
    let columns = |name: &str, values: [String; 3]| {
        let values: String = values.iter().map(|value| format!("{value:>6}")).collect();
        row(width, name, &values, Style::new())
    };
    let mut lines = vec![columns("", ["p50", "p95", "p99"].map(str::to_owned)).style(FAINT)];
    for (timing, name) in LATENCIES {
        let times = last.times.get(&timing);
        let values = times.map_or(["-".to_owned(), "-".to_owned(), "-".to_owned()], |times| {
            [times.p50, times.p95, times.p99].map(time)
        });
        lines.push(columns(name, values));
    }
    lines
}

fn gates(last: &Snapshot, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let findings = last.gates.iter().map(|state| &state.finding);
    for finding in findings.chain([&last.generator]) {
        let (word, colour) = match finding.verdict {
            Verdict::Passed => ("ok  ", Color::Green),
            Verdict::Failed => ("FAIL", Color::Red),
            Verdict::Error | Verdict::Skipped => ("?   ", Color::Yellow),
        };
        let what = match std::ptr::eq(finding, &last.generator) {
            true => "callwright keeps up".to_owned(),
            false => format!("{} {}", escape::line(&finding.name), escape::line(&finding.expected)),
        };
        let room = usize::from(width).saturating_sub(5);
        let actual = if finding.verdict == Verdict::Passed { String::new() } else { finding.actual.clone() };
        let mut line = Line::from(vec![Span::styled(word, colour), Span::raw(" "), Span::raw(cut(&what, room))]);
        if room > what.chars().count() + actual.chars().count() && !actual.is_empty() {
            line.push_span(Span::styled(format!(" {}", escape::line(&actual)), FAINT));
        }
        lines.push(line);
    }
    lines
}

fn hosts(last: &Snapshot, width: u16) -> Vec<Line<'static>> {
    let mut lines = vec![row(width, "host", "calls   lag sps idle", FAINT)];
    for (name, host) in &last.hosts {
        let none = || "-".to_owned();
        let stats = host.stats.as_ref();
        let values = format!(
            "{:>5}{:>6}{:>4}{:>5}",
            host.counts.under_way(),
            host.event_lag_s.map_or_else(none, time),
            stats.and_then(|stats| stats.sps).map_or_else(none, |sps| sps.to_string()),
            stats.and_then(|stats| stats.idle_cpu_percent).map_or_else(none, |idle| format!("{idle:.0}%")),
        );
        lines.push(row(width, &escape::line(name).to_string(), &values, Style::new()));
    }
    lines
}

fn footer(view: &View) -> Line<'static> {
    match &view.mode {
        Mode::Watch | Mode::Help => Line::styled(KEYS, FAINT),
        Mode::Enter(field, text) => Line::styled(format!("{}: {text}_  Enter sets, Esc leaves", field.name()), BOLD),
        Mode::Confirm => {
            Line::styled(format!("hang up every call on {}, whoever made it? y/n", view.hosts.join(", ")), BOLD)
        }
    }
}

fn draw_help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let width = HELP.iter().map(|line| line.len()).max().unwrap_or(0);
    let (width, height) = (u16::try_from(width).unwrap_or(0) + 4, u16::try_from(HELP.len()).unwrap_or(0) + 2);
    let x = area.width.saturating_sub(width) / 2;
    let y = area.height.saturating_sub(height) / 2;
    let popup = Rect { x, y, width, height }.intersection(area);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::from(format!(" {line}"))).collect();
    frame.render_widget(Clear, popup);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), popup);
}

/// A name on the left, what there is to say of it on the right.
fn row(width: u16, name: &str, value: &str, style: Style) -> Line<'static> {
    let room = usize::from(width).saturating_sub(value.chars().count() + 1);
    Line::styled(format!("{:<room$} {value}", cut(name, room)), style)
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// With as many digits as say something.
fn short(number: f64) -> String {
    let text = if number < 100.0 { format!("{number:.2}") } else { format!("{number:.1}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn time(seconds: f64) -> String {
    match seconds {
        ..0.01 => format!("{:.1}ms", seconds * 1e3),
        ..10.0 => format!("{:.0}ms", seconds * 1e3),
        _ => format!("{seconds:.0}s"),
    }
}

fn elapsed(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::view::tests::{press, running};
    use super::*;

    fn drawn(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(view, frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_load_on_a_wide_terminal() {
        let mut view = running();
        for active in [0, 3, 9, 14, 20] {
            view.active.push_front(20 - active);
            view.rates.push_front(10.0 - active as f64 / 4.0);
        }
        insta::assert_snapshot!(drawn(&view, 110, 24));
    }

    #[test]
    fn a_load_on_a_small_terminal_with_a_number_being_typed() {
        let mut view = running();
        press(&mut view, "r12");
        insta::assert_snapshot!(drawn(&view, 60, 20));
    }

    #[test]
    fn before_there_are_figures_it_says_what_is_waited_for() {
        insta::assert_snapshot!(drawn(&View::default(), 60, 6));
    }

    #[test]
    fn the_keys_are_told_and_hanging_up_all_is_asked_twice() {
        let mut view = running();
        press(&mut view, "?");
        insta::assert_snapshot!(drawn(&view, 60, 20));
        press(&mut view, "xH");
        assert!(drawn(&view, 60, 20).contains("hang up every call on local, whoever made it? y/n"));
    }

    #[test]
    fn no_size_of_the_terminal_is_too_small_to_draw() {
        let mut view = running();
        for (width, height) in [(1, 1), (5, 3), (19, 10), (200, 2), (61, 7)] {
            drawn(&view, width, height);
            drawn(&View::default(), width, height);
        }
        press(&mut view, "?");
        drawn(&view, 3, 3);
    }
}
