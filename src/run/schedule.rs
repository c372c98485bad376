//! What a host does next: its tests in order, the setup of a folder before the first of them, its teardown after the last.

use std::collections::VecDeque;

use crate::verdict::CheckReport;

/// The tests of one host, and the folders around them. A job is a test, or a scenario of a setup or teardown, by number.
#[derive(Debug)]
pub(super) struct Schedule {
    /// How many jobs may run side by side.
    slots: usize,
    running: usize,
    /// Tests of one folder each, in their order.
    groups: Vec<Group>,
    folders: Vec<FolderRun>,
}

/// What is to be done next. A job that begins holds a slot until [`Schedule::free`].
#[derive(Debug)]
pub(super) enum Turn {
    Begin(usize),
    /// A test that is not fit for the host.
    Unfit(usize),
    /// A test whose folder could not be set up, and why.
    Spoilt(usize, CheckReport),
}

#[derive(Debug)]
struct Group {
    /// The folders around its tests, the outermost first.
    around: Vec<usize>,
    tests: VecDeque<usize>,
}

/// A folder on this host.
#[derive(Debug)]
struct FolderRun {
    /// The folder around it, of those with a setup or teardown.
    outer: Option<usize>,
    setup: VecDeque<usize>,
    teardown: VecDeque<usize>,
    /// Tests directly in it that have not ended, and folders directly in it that are not over.
    pending: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// None of its tests was begun.
    Untouched,
    SettingUp(Step),
    Ready,
    /// Its setup failed.
    Broken(CheckReport),
    TearingDown(Step),
    Over,
}

/// Where a setup or teardown of several scenarios is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next scenario can begin.
    Between,
    /// One runs.
    At,
}

impl Schedule {
    pub fn new(slots: usize) -> Self {
        Schedule { slots, running: 0, groups: Vec::new(), folders: Vec::new() }
    }

    /// Has no more than `most` jobs run side by side.
    pub fn narrow(&mut self, most: usize) {
        self.slots = self.slots.min(most);
    }

    /// Adds a folder in `outer`, which was added before; gives its number.
    pub fn add_folder(&mut self, outer: Option<usize>, setup: Vec<usize>, teardown: Vec<usize>) -> usize {
        if let Some(outer) = outer {
            self.folders[outer].pending += 1;
        }
        let (setup, teardown) = (setup.into(), teardown.into());
        self.folders.push(FolderRun { outer, setup, teardown, pending: 0, state: State::Untouched });
        self.folders.len() - 1
    }

    /// Adds a test behind the others; `folder` is the innermost around it.
    pub fn add_test(&mut self, test: usize, folder: Option<usize>) {
        if let Some(folder) = folder {
            self.folders[folder].pending += 1;
        }
        let around: Vec<usize> = std::iter::successors(folder, |&folder| self.folders[folder].outer).collect();
        let around: Vec<usize> = around.into_iter().rev().collect();
        match self.groups.iter_mut().find(|group| group.around == around) {
            Some(group) => group.tests.push_back(test),
            None => self.groups.push(Group { around, tests: VecDeque::from([test]) }),
        }
    }

    /// What to do next, if anything can be done now. `due` tells whether a test's turn has come as far as others go, `fits`
    /// whether it can run on the host at all.
    pub fn next(&mut self, due: impl Fn(usize) -> bool, fits: impl Fn(usize) -> bool) -> Option<Turn> {
        if self.running >= self.slots {
            return None;
        }
        if let Some(job) = self.begin_teardown() {
            return Some(Turn::Begin(job));
        }
        let mut order: Vec<(usize, usize)> =
            self.groups.iter().enumerate().filter_map(|(index, group)| Some((*group.tests.front()?, index))).collect();
        order.sort_unstable();
        for (test, group) in order.into_iter().filter(|(test, _)| due(*test)) {
            if !fits(test) {
                self.groups[group].tests.pop_front();
                return Some(Turn::Unfit(test));
            }
            match self.approach(group) {
                Approach::Blocked => {}
                Approach::Spoilt(check) => {
                    self.groups[group].tests.pop_front();
                    return Some(Turn::Spoilt(test, check));
                }
                Approach::Setup(job) => {
                    self.running += 1;
                    return Some(Turn::Begin(job));
                }
                Approach::Clear => {
                    self.groups[group].tests.pop_front();
                    self.running += 1;
                    return Some(Turn::Begin(test));
                }
            }
        }
        None
    }

    /// The next scenario of a teardown that is due and can begin now.
    pub fn begin_teardown(&mut self) -> Option<usize> {
        let job = if self.running < self.slots { self.next_teardown() } else { None }?;
        self.running += 1;
        Some(job)
    }

    /// The next scenario of a teardown that is due, which will not begin: it takes no slot.
    pub fn next_teardown(&mut self) -> Option<usize> {
        for index in 0..self.folders.len() {
            let folder = &mut self.folders[index];
            if !matches!(folder.state, State::TearingDown(Step::Between)) {
                continue;
            }
            if let Some(job) = folder.teardown.pop_front() {
                folder.state = State::TearingDown(Step::At);
                return Some(job);
            }
        }
        None
    }

    /// Gives back the slot of a job that ended.
    pub fn free(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// A test in `folder` ended, or will not be run.
    pub fn test_over(&mut self, folder: Option<usize>) {
        if let Some(folder) = folder {
            self.leave(folder);
        }
    }

    /// A scenario of the folder's setup ended; with `failed` the others are not run, nor any test.
    pub fn setup_over(&mut self, folder: usize, failed: Option<CheckReport>) {
        let run = &mut self.folders[folder];
        run.state = match failed {
            Some(check) => {
                run.setup.clear();
                State::Broken(check)
            }
            None => State::SettingUp(Step::Between),
        };
        // Its tests may have been taken away meanwhile.
        if run.pending == 0 {
            self.tear_down(folder);
        }
    }

    /// A scenario of the folder's teardown ended. The others run whatever became of it.
    pub fn teardown_over(&mut self, folder: usize) {
        self.folders[folder].state = State::TearingDown(Step::Between);
        self.end_if_torn_down(folder);
    }

    /// Takes away the tests that have not begun, in their order. Each must be told of by [`Schedule::test_over`].
    pub fn drain(&mut self) -> Vec<usize> {
        let mut tests: Vec<usize> = self.groups.iter_mut().flat_map(|group| group.tests.drain(..)).collect();
        tests.sort_unstable();
        tests
    }

    /// Whether nothing is left to do and nothing runs.
    pub fn is_over(&self) -> bool {
        let touched = |folder: &FolderRun| !matches!(folder.state, State::Untouched | State::Over);
        self.running == 0 && self.groups.iter().all(|group| group.tests.is_empty()) && !self.folders.iter().any(touched)
    }

    /// What is between a group's next test and its begin.
    fn approach(&mut self, group: usize) -> Approach {
        for &folder in &self.groups[group].around {
            let run = &mut self.folders[folder];
            match &run.state {
                State::Ready => {}
                State::Untouched | State::SettingUp(Step::Between) => match run.setup.pop_front() {
                    Some(job) => {
                        run.state = State::SettingUp(Step::At);
                        return Approach::Setup(job);
                    }
                    None => run.state = State::Ready,
                },
                State::Broken(check) => return Approach::Spoilt(check.clone()),
                // Neither of the last two comes before the last test has ended.
                State::SettingUp(Step::At) | State::TearingDown(_) | State::Over => return Approach::Blocked,
            }
        }
        Approach::Clear
    }

    /// Something directly in `folder` is over.
    fn leave(&mut self, folder: usize) {
        let run = &mut self.folders[folder];
        run.pending = run.pending.saturating_sub(1);
        if run.pending == 0 && run.state_is_at_rest() {
            self.tear_down(folder);
        }
    }

    fn tear_down(&mut self, folder: usize) {
        let run = &mut self.folders[folder];
        if matches!(run.state, State::Untouched) {
            // What was not set up needs no teardown.
            run.teardown.clear();
        }
        run.state = State::TearingDown(Step::Between);
        self.end_if_torn_down(folder);
    }

    fn end_if_torn_down(&mut self, folder: usize) {
        let run = &mut self.folders[folder];
        if run.teardown.is_empty() {
            run.state = State::Over;
            if let Some(outer) = run.outer {
                self.leave(outer);
            }
        }
    }
}

enum Approach {
    Clear,
    Setup(usize),
    /// Its setup, or that of a folder around it, is under way.
    Blocked,
    Spoilt(CheckReport),
}

impl FolderRun {
    /// Whether no scenario of its setup runs.
    fn state_is_at_rest(&self) -> bool {
        !matches!(self.state, State::SettingUp(Step::At) | State::TearingDown(_) | State::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    fn check() -> CheckReport {
        let text = String::new;
        let (expected, actual, help) = (text(), text(), text());
        CheckReport {
            name: "setup".to_owned(),
            place: None,
            verdict: Verdict::Error,
            expected,
            actual,
            help,
            passages: Vec::new(),
        }
    }

    /// What begins now, in order.
    fn begun(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| match schedule.next(|_| true, |_| true)? {
            Turn::Begin(job) => Some(job),
            turn => panic!("{turn:?}"),
        })
        .collect()
    }

    #[test]
    fn the_outer_setup_comes_first_and_the_outer_teardown_last() {
        let mut schedule = Schedule::new(10);
        let outer = schedule.add_folder(None, vec![100], vec![101]);
        let inner = schedule.add_folder(Some(outer), vec![200], vec![201, 202]);
        schedule.add_test(0, Some(outer));
        schedule.add_test(1, Some(inner));
        assert_eq!(begun(&mut schedule), [100]);
        schedule.free();
        schedule.setup_over(outer, None);
        assert_eq!(begun(&mut schedule), [0, 200], "a test of the outer folder does not wait for the inner one");
        schedule.free();
        schedule.setup_over(inner, None);
        assert_eq!(begun(&mut schedule), [1]);
        for folder in [outer, inner] {
            schedule.free();
            schedule.test_over(Some(folder));
        }
        for teardown in [201, 202] {
            assert_eq!(begun(&mut schedule), [teardown]);
            schedule.free();
            schedule.teardown_over(inner);
        }
        assert_eq!(begun(&mut schedule), [101]);
        assert!(!schedule.is_over());
        schedule.free();
        schedule.teardown_over(outer);
        assert!(schedule.is_over());
    }

    #[test]
    fn a_setup_that_failed_spoils_every_test_below_and_is_torn_down() {
        let mut schedule = Schedule::new(1);
        let outer = schedule.add_folder(None, vec![100, 110], vec![101]);
        let inner = schedule.add_folder(Some(outer), vec![200], vec![201]);
        schedule.add_test(0, Some(inner));
        schedule.add_test(1, None);
        assert_eq!(begun(&mut schedule), [100]);
        schedule.free();
        schedule.setup_over(outer, Some(check()));
        assert!(matches!(schedule.next(|_| true, |_| true), Some(Turn::Spoilt(0, _))));
        schedule.test_over(Some(inner));
        assert_eq!(begun(&mut schedule), [101], "the inner folder was never set up");
        schedule.free();
        schedule.teardown_over(outer);
        assert_eq!(begun(&mut schedule), [1]);
    }

    #[test]
    fn a_folder_of_which_no_test_is_fit_is_not_set_up() {
        let mut schedule = Schedule::new(1);
        let folder = schedule.add_folder(None, vec![100], vec![101]);
        schedule.add_test(0, Some(folder));
        assert!(matches!(schedule.next(|_| true, |_| false), Some(Turn::Unfit(0))));
        schedule.test_over(Some(folder));
        assert!(schedule.next(|_| true, |_| true).is_none() && schedule.is_over());
    }

    #[test]
    fn tests_taken_away_while_their_folder_is_set_up_leave_it_to_its_teardown() {
        let mut schedule = Schedule::new(1);
        let folder = schedule.add_folder(None, vec![100], vec![101]);
        schedule.add_test(0, Some(folder));
        assert_eq!(begun(&mut schedule), [100]);
        assert_eq!(schedule.drain(), [0]);
        schedule.test_over(Some(folder));
        assert!(begun(&mut schedule).is_empty(), "its setup still runs");
        schedule.free();
        schedule.setup_over(folder, None);
        assert_eq!(begun(&mut schedule), [101]);
    }

    #[test]
    fn while_one_folder_is_set_up_tests_of_another_run_in_their_order() {
        let mut schedule = Schedule::new(3);
        let folder = schedule.add_folder(None, vec![100], vec![]);
        for (test, folder) in [(0, Some(folder)), (1, None), (2, Some(folder)), (3, None)] {
            schedule.add_test(test, folder);
        }
        assert_eq!(begun(&mut schedule), [100, 1, 3]);
        schedule.free();
        schedule.setup_over(folder, None);
        assert_eq!(begun(&mut schedule), [0]);
    }
}
