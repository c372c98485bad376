use super::*;

fn chart(series: Vec<Series>) -> Chart {
    Chart {
        title: "setup time".to_owned(),
        seconds: 60.0,
        left: Unit::Seconds,
        right: Unit::Count("calls".to_owned()),
        empty: "no call was answered".to_owned(),
        series,
    }
}

#[test]
fn a_chart_without_values_says_why() {
    let svg = svg("no.jsonl", &[chart(vec![Series::new("p50", Mark::Line, vec![(1.0, f64::NAN)])])]).unwrap();
    insta::assert_snapshot!(svg);
}

#[test]
fn lines_dots_and_areas_share_a_plot() {
    let series = vec![
        Series::new("p50 <b>", Mark::Line, vec![(1.0, 0.05), (20.0, 0.08), (30.0, f64::NAN), (40.0, 0.07)]),
        Series::new("each call", Mark::Dots, vec![(5.0, 0.2), (50.0, 0.11)]),
        Series::new("busy", Mark::Stack { width: 10.0 }, vec![(0.0, 3.0), (10.0, 1.0)]).right(),
        Series::new("no answer", Mark::Stack { width: 10.0 }, vec![(10.0, 2.0)]).right(),
    ];
    insta::assert_snapshot!(svg("some.jsonl", &[chart(series)]).unwrap());
}

#[test]
fn what_is_far_above_is_told_where_it_is_not_shown() {
    let mean = Series::new("mean", Mark::Line, vec![(1.0, 10.0), (2.0, 10.0)]);
    let each = Series::new("each", Mark::Backdrop, vec![(1.0, 12.0), (1.5, 25_000.0), (2.0, 9.0)]);
    let chart = Chart { left: Unit::PerSecond, ..chart(vec![each, mean]) };
    let plan = Plan::of(&chart, 900, 200, 8);
    assert_eq!(plan.left.as_ref().map(|scale| scale.high), Some(30.0));
    assert_eq!(plan.beyond.as_deref(), Some("beyond the axis: up to 25,000 calls/s"));
}

#[test]
fn nothing_that_a_series_may_hold_keeps_a_chart_from_being_drawn() {
    let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE];
    let points: Vec<(f64, f64)> = odd.iter().flat_map(|x| odd.iter().map(|y| (*x, *y))).collect();
    for mark in [Mark::Line, Mark::Backdrop, Mark::Dots, Mark::Stack { width: 1.0 }] {
        for points in [points.clone(), points[..1].to_vec(), Vec::new()] {
            let charts = [chart(vec![Series::new("\u{0}é", mark, points)])];
            assert!(png("x", &charts).unwrap().starts_with(b"\x89PNG"));
            assert!(svg("x", &charts).unwrap().ends_with("</svg>\n"));
        }
    }
}
