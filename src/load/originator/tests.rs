use std::time::Duration;

use super::*;
use crate::load::{Slice, Stage};

const START: Time = Time::from_micros(1_000_000_000);

fn at(millis: u64) -> Time {
    START + Duration::from_millis(millis)
}

/// An originator at 10 CPS with one entry and one host, which has been started.
fn started(limits: Limits) -> Originator {
    let mut originator = Originator::new(Profile::constant(Cps(10.0)), Mix::new([1]), limits);
    originator.host_up(0, None);
    originator.start(START);
    originator
}

fn unlimited() -> Limits {
    Limits::draining(Duration::from_secs(60))
}

/// What is to be done at `now`, a word each.
fn steps(originator: &mut Originator, now: Time) -> Vec<String> {
    let word = |step| match step {
        Step::Offer { index, entry, host, .. } => format!("{index}: entry {entry} on {host}"),
        Step::Skip { index, why, .. } => format!("{index}: {why:?}"),
        Step::HangUp => "hang up".to_owned(),
        Step::Stopped => "stopped".to_owned(),
    };
    std::iter::from_fn(|| originator.poll(now)).map(word).collect()
}

/// How many calls are offered up to `now`, looking every millisecond; none of them ends.
fn offered(originator: &mut Originator, now: Time) -> u64 {
    for milli in 0..=now.since(START).as_millis() {
        while originator.poll(at(milli as u64)).is_some() {}
    }
    originator.tally().offered
}

#[test]
fn nothing_happens_before_the_start() {
    let mut originator = Originator::new(Profile::constant(Cps(10.0)), Mix::new([1]), unlimited());
    originator.host_up(0, None);
    assert_eq!((originator.poll(START), originator.poll_timeout(), originator.state()), (None, None, State::Initial));
    originator.set_rate(START, Cps(2.0));
    originator.start(START);
    originator.start(at(100));
    assert_eq!(steps(&mut originator, START), ["0: entry 0 on 0"]);
    assert_eq!(originator.poll_timeout(), Some(at(500)));
    assert_eq!(originator.rate(at(100)), Cps(2.0));
}

#[test]
fn a_call_at_the_limit_is_skipped_and_not_put_off() {
    let mut originator = started(Limits { calls: Some(2), ..unlimited() });
    let told = steps(&mut originator, at(300));
    assert_eq!(told, ["0: entry 0 on 0", "1: entry 0 on 0", "2: AtLimit", "3: AtLimit"]);
    originator.ended(0);
    assert_eq!(steps(&mut originator, at(399)), [""; 0]);
    assert_eq!(steps(&mut originator, at(500)), ["4: entry 0 on 0", "5: AtLimit"]);
    let tally = originator.tally();
    assert_eq!((tally.offered, tally.at_limit, tally.no_host, tally.skipped()), (3, 3, 0, 3));
    // Calls 0 to 3 were late by 300, 200, 100 and 0 ms, 4 and 5 by 100 and 0.
    assert_eq!((tally.latest, tally.late), (Duration::from_millis(300), Duration::from_millis(700)));
    originator.set_limit(None);
    assert_eq!(steps(&mut originator, at(600)), ["6: entry 0 on 0"]);
}

#[test]
fn calls_are_offered_for_as_long_as_was_said_and_the_end_is_no_part_of_it() {
    let seconds = Duration::from_secs(60);
    let mut originator = started(Limits { duration: Some(seconds), ..unlimited() });
    assert_eq!(offered(&mut originator, at(59_999)), 600);
    assert_eq!(originator.state(), State::Originating);
    assert_eq!(originator.poll_timeout(), Some(at(60_000)));
    assert_eq!(originator.poll(at(60_000)), None);
    assert_eq!(originator.state(), State::Stopped(Draining::Until(at(120_000))));
    assert_eq!(originator.rate(at(60_000)), Cps(0.0));
}

#[test]
fn a_look_after_the_end_still_offers_what_was_due_before_it() {
    let mut originator = started(Limits { duration: Some(Duration::from_secs(1)), ..unlimited() });
    assert_eq!(steps(&mut originator, at(5_000)).len(), 10);
    assert_eq!(originator.tally().offered, 10);
}

#[test]
fn stages_end_by_themselves() {
    let ramp = Stage::Ramp { to: Cps(30.0), over: Duration::from_secs(10) };
    let mut originator = Originator::new(Profile::stages([ramp]), Mix::new([1]), unlimited());
    originator.host_up(0, None);
    originator.start(START);
    assert_eq!(offered(&mut originator, at(20_000)), 150);
    assert!(matches!(originator.state(), State::Stopped(_)));
}

#[test]
fn no_more_calls_than_the_most_are_offered_and_skipped_ones_do_not_count() {
    let mut originator = started(Limits { max_offered: Some(3), calls: Some(1), ..unlimited() });
    let told = steps(&mut originator, at(200));
    assert_eq!(told, ["0: entry 0 on 0", "1: AtLimit", "2: AtLimit"]);
    originator.set_limit(None);
    assert_eq!(steps(&mut originator, at(1_000)), ["3: entry 0 on 0", "4: entry 0 on 0"]);
    assert_eq!(originator.state(), State::Stopped(Draining::Until(at(61_000))));
}

#[test]
fn calls_that_are_up_come_to_their_end_before_it_is_over() {
    let mut originator = started(Limits { max_offered: Some(2), ..unlimited() });
    steps(&mut originator, at(100));
    assert_eq!(originator.poll_timeout(), Some(at(60_100)));
    originator.ended(0);
    assert_eq!(originator.poll(at(5_000)), None);
    originator.ended(0);
    assert_eq!(steps(&mut originator, at(6_000)), ["stopped"]);
    assert_eq!((originator.poll(at(90_000)), originator.poll_timeout()), (None, None));
    assert_eq!(originator.state(), State::Stopped(Draining::Over));
}

#[test]
fn what_is_still_up_after_draining_is_hung_up_once() {
    let mut originator = started(unlimited());
    steps(&mut originator, at(100));
    originator.stop(at(150));
    originator.stop(at(50_000));
    assert_eq!(steps(&mut originator, at(60_149)), [""; 0]);
    assert_eq!(steps(&mut originator, at(60_150)), ["hang up"]);
    originator.hang_up(at(60_200));
    assert_eq!((originator.poll(at(99_000)), originator.poll_timeout()), (None, None));
    originator.ended(0);
    originator.ended(0);
    assert_eq!(steps(&mut originator, at(99_000)), ["stopped"]);
}

#[test]
fn hanging_up_does_not_wait_for_calls_to_drain() {
    let mut originator = started(unlimited());
    steps(&mut originator, START);
    originator.hang_up(at(50));
    assert_eq!(steps(&mut originator, at(50)), ["hang up"]);
    originator.ended(0);
    assert_eq!(steps(&mut originator, at(60)), ["stopped"]);
}

#[test]
fn a_pause_stands_still_and_lengthens_the_time_to_offer() {
    let mut originator = started(Limits { duration: Some(Duration::from_secs(1)), ..unlimited() });
    assert_eq!(steps(&mut originator, at(450)).len(), 5);
    originator.pause(at(450));
    assert!(originator.is_paused());
    assert_eq!((originator.poll(at(9_000)), originator.poll_timeout()), (None, None));
    originator.resume(at(10_450));
    assert_eq!(originator.poll_timeout(), Some(at(10_500)));
    assert_eq!(steps(&mut originator, at(20_000)).len(), 5);
    assert!(matches!(originator.state(), State::Stopped(_)));
}

#[test]
fn rate_duration_and_number_change_while_it_runs() {
    let mut originator = started(Limits { duration: Some(Duration::from_secs(100)), ..unlimited() });
    assert_eq!(steps(&mut originator, START).len(), 1);
    originator.set_rate(at(50), Cps(100.0));
    assert_eq!(steps(&mut originator, at(100)).len(), 5);
    originator.set_duration(Some(Duration::from_millis(200)));
    assert_eq!(steps(&mut originator, at(1_000)).len(), 10);
    assert_eq!(originator.state(), State::Stopped(Draining::Until(at(61_000))));

    let mut originator = started(unlimited());
    assert_eq!(steps(&mut originator, at(300)).len(), 4);
    originator.set_max_offered(Some(4));
    assert_eq!(steps(&mut originator, at(900)), [""; 0]);
    assert!(matches!(originator.state(), State::Stopped(_)));
}

#[test]
fn entries_and_hosts_take_turns_by_weight_and_room() {
    let mut originator = Originator::new(Profile::constant(Cps(10.0)), Mix::new([2, 1]), unlimited());
    originator.host_up(0, Some(1));
    originator.host_up(1, Some(3));
    originator.start(START);
    let told = steps(&mut originator, at(500));
    assert_eq!(
        told,
        ["0: entry 0 on 0", "1: entry 1 on 1", "2: entry 0 on 1", "3: entry 0 on 1", "4: NoHost", "5: NoHost"]
    );
    assert_eq!((originator.active(), originator.active_on(1), originator.offered_to(0)), (4, 3, 1));
    originator.host_lost(1);
    originator.ended(1);
    assert_eq!(steps(&mut originator, at(600)), ["6: NoHost"]);
    originator.ended(0);
    originator.set_weight(0, 0);
    assert_eq!(steps(&mut originator, at(700)), ["7: entry 1 on 0"]);
    assert_eq!(originator.tally().no_host, 3);
}

#[test]
fn a_mix_of_nothing_takes_no_room_on_a_host() {
    let mut originator = Originator::new(Profile::constant(Cps(10.0)), Mix::new([0]), unlimited());
    originator.host_up(0, None);
    originator.start(START);
    assert_eq!(steps(&mut originator, START), ["0: NoHost"]);
    assert_eq!((originator.active(), originator.offered_to(0)), (0, 0));
}

#[test]
fn the_talk_time_fills_the_limit_with_five_seconds_to_spare() {
    assert_eq!(auto_duration(300, Cps(30.0)), Duration::from_secs(15));
    assert_eq!(auto_duration(300, Cps(0.0)), Duration::MAX);
}

/// Every step of a load that is looked at now and then, as what there is to know of a call.
fn all_steps(originator: Originator, looks: &[u64]) -> Vec<(u64, Time, usize)> {
    let mut originator = originator;
    originator.host_up(0, None);
    originator.start(START);
    let mut calls = Vec::new();
    for look in looks.iter().copied().chain([60_000]) {
        while let Some(step) = originator.poll(at(look)) {
            if let Step::Offer { index, due, entry, .. } = step {
                calls.push((index, due, entry));
            }
        }
    }
    calls
}

proptest::proptest! {
    #[test]
    fn all_slices_together_are_the_whole_with_its_numbers_due_times_and_entries(
        rates in proptest::collection::vec((0u32..60, 1u64..3_000), 1..5), count in 1u64..9,
        weights in proptest::collection::vec(1u64..9, 1..5), most in proptest::option::of(1u64..200),
        mut looks in proptest::collection::vec(0u64..12_000, 0..30),
    ) {
        looks.sort_unstable();
        let stages = rates.iter().enumerate().map(|(number, (rate, millis))| {
            let (rate, time) = (Cps(f64::from(*rate)), Duration::from_millis(*millis));
            if number % 2 == 0 { Stage::Hold { rate: Some(rate), time } } else { Stage::Ramp { to: rate, over: time } }
        });
        let profile = Profile::stages(stages);
        let limits = Limits { max_offered: most.map(|most| most * count), ..unlimited() };
        let load = || Originator::new(profile.clone(), Mix::new(weights.clone()), limits.clone());
        let whole = all_steps(load(), &looks);
        let mut parts = Vec::new();
        for index in 0..count {
            let part = all_steps(load().sliced(Slice::new(index, count).unwrap()), &looks);
            proptest::prop_assert!(part.iter().all(|(number, ..)| number % count == index));
            parts.extend(part);
        }
        parts.sort_unstable();
        proptest::prop_assert_eq!(parts, whole);
    }

    #[test]
    fn every_call_that_is_due_is_offered_or_skipped_and_no_limit_is_passed(
        limit in 1u32..20, capacity in 1u32..20, ends in proptest::collection::vec(0usize..2, 0..200),
    ) {
        let mut originator = Originator::new(
            Profile::constant(Cps(100.0)),
            Mix::new([3, 2]),
            Limits { calls: Some(limit), duration: Some(Duration::from_secs(1)), ..unlimited() },
        );
        originator.host_up(0, Some(capacity));
        originator.host_up(1, None);
        originator.start(START);
        let mut up = [0u64; 2];
        for (round, end) in ends.iter().enumerate() {
            while let Some(step) = originator.poll(at(round as u64 * 7)) {
                if let Step::Offer { host, .. } = step {
                    up[host] += 1;
                }
                proptest::prop_assert!(up[0] <= u64::from(capacity) && up[0] + up[1] <= u64::from(limit));
            }
            if up[*end] > 0 {
                up[*end] -= 1;
                originator.ended(*end);
            }
        }
        let now = (ends.len() as u64).saturating_sub(1) * 7;
        let due = if ends.is_empty() { 0 } else { (now / 10 + 1).min(100) };
        let tally = originator.tally();
        proptest::prop_assert_eq!(tally.offered + tally.skipped(), due);
        proptest::prop_assert_eq!([originator.active_on(0), originator.active_on(1)], up);
    }
}
