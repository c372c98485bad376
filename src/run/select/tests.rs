use super::*;

const FILES: [(&str, &str); 3] = [
    ("b.yaml", "name: one\ntags: [smoke, slow]\ncallee: [answer]\n---\nname: two\ntags: smoke\ncallee: [answer]\n"),
    (
        "a.yaml",
        "name: digits\ntags: dtmf\nmatrix: { codec: [PCMU, PCMA], mode: [a, b] }\ncallee: [answer]\nretries: 2\n\
         xfail: { if: '${matrix.mode} == b', reason: not yet }\n",
    ),
    ("only.yaml", "name: on ${host.name}\ncallee: [answer]\n"),
];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Folder(folder)
    }

    fn choice(&self, paths: &[&str]) -> Choice {
        Choice::of(paths.iter().map(|path| format!("{}/{path}", self.0.path().display())).collect())
    }

    fn select(&self, choice: &Choice, hosts: &[&str], last: &LastFailed) -> Selection {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let selection = select(choice, &hosts, last).unwrap_or_else(|error| panic!("{}", error.told(Style::Plain)));
        assert!(selection.diagnostics.is_empty(), "{:?}", selection.diagnostics);
        selection
    }

    /// What is selected, without the folder.
    fn names(&self, choice: &Choice) -> Vec<String> {
        self.names_on(choice, &["h"], &LastFailed::default())
    }

    fn names_on(&self, choice: &Choice, hosts: &[&str], last: &LastFailed) -> Vec<String> {
        let selection = self.select(choice, hosts, last);
        let prefix = format!("{}/", self.0.path().display());
        selection.tests.iter().map(|test| test.name.strip_prefix(&prefix).unwrap().to_owned()).collect()
    }

    fn entry(&self, file: &str, name: &str, host: &str) -> Entry {
        Entry { file: self.0.path().join(file).display().to_string(), name: name.into(), host: host.into() }
    }
}

const ALL: [&str; 6] = [
    "a.yaml::digits[codec=PCMU,mode=a]",
    "a.yaml::digits[codec=PCMU,mode=b]",
    "a.yaml::digits[codec=PCMA,mode=a]",
    "a.yaml::digits[codec=PCMA,mode=b]",
    "b.yaml::one",
    "b.yaml::two",
];

#[test]
fn tests_come_in_the_order_of_the_arguments_each_once() {
    let folder = Folder::new();
    assert_eq!(folder.names(&folder.choice(&["a.yaml", "b.yaml"])), ALL);
    assert_eq!(folder.names(&folder.choice(&["b.yaml::two", "[ab].yaml", "b.yaml"]))[..2], ["b.yaml::two", ALL[0]]);
    assert_eq!(folder.names(&folder.choice(&["[ab].yaml::digits[mode=b]"])), [ALL[1], ALL[3]]);
}

#[test]
fn on_several_hosts_the_names_tell_the_host() {
    let folder = Folder::new();
    let names = |paths: &[&str]| folder.names_on(&folder.choice(paths), &["x:1", "y:2"], &LastFailed::default());
    assert_eq!(names(&["b.yaml::two"]), ["b.yaml::two[host=x:1]", "b.yaml::two[host=y:2]"]);
    assert_eq!(names(&["a.yaml::digits[codec=PCMA,host=y:2]"]).len(), 2);
    assert_eq!(names(&["only.yaml"]), ["only.yaml::on x:1[host=x:1]", "only.yaml::on y:2[host=y:2]"]);
}

#[test]
fn k_is_about_names_and_m_about_tags() {
    let folder = Folder::new();
    let names = |keyword: Option<&str>, tags: Option<&str>| {
        let choice = folder.choice(&["a.yaml", "b.yaml"]);
        let (keyword, tags) = (keyword.map(str::to_owned), tags.map(str::to_owned));
        folder.names(&Choice { keyword, tags, ..choice })
    };
    assert_eq!(names(Some("DIGITS and not mode=b"), None), [ALL[0], ALL[2]]);
    assert_eq!(names(None, Some("smoke and not slow")), ["b.yaml::two"]);
    // Tags are whole words, and no names.
    assert_eq!(names(None, Some("smok or digits")), [""; 0]);
    assert_eq!(names(Some("smoke"), None), [""; 0]);
    assert_eq!(names(Some("one or digits"), Some("smoke")), ["b.yaml::one"]);
}

#[test]
fn a_tag_that_no_test_has_is_told() {
    let folder = Folder::new();
    let choice = Choice { tags: Some("not slwo and not x1".into()), ..folder.choice(&["b.yaml"]) };
    let selection = folder.select(&choice, &["h"], &LastFailed::default());
    let told = ["no test here has the tag `slwo`; did you mean `slow`?", "no test here has the tag `x1`"];
    assert_eq!((selection.warnings.as_slice(), selection.tests.len()), (&told.map(str::to_owned)[..], 2));
}

#[test]
fn the_last_failed_are_run_alone_or_first_and_on_their_host_only() {
    let folder = Folder::new();
    let last: LastFailed =
        [folder.entry("b.yaml", "two", "y:2"), folder.entry("gone.yaml", "x", "y:2")].into_iter().collect();
    let choice = folder.choice(&["b.yaml"]);
    let hosts = ["x:1", "y:2"];
    let only = Choice { last: Some(Last::Only), ..choice.clone() };
    assert_eq!(folder.names_on(&only, &hosts, &last), ["b.yaml::two[host=y:2]"]);
    let first = Choice { last: Some(Last::First), ..choice.clone() };
    let names = folder.names_on(&first, &hosts, &last);
    assert_eq!((names.len(), names[0].as_str()), (4, "b.yaml::two[host=y:2]"));
    let notes = |choice: &Choice, last: &LastFailed| folder.select(choice, &hosts, last).picked.notes;
    assert_eq!(notes(&only, &last), ["the 1 test that failed last time"]);
    assert_eq!(notes(&first, &last), ["the 1 test that failed last time first"]);
}

#[test]
fn where_none_failed_last_time_all_are_run_and_that_is_told() {
    let folder = Folder::new();
    let only = Choice { last: Some(Last::Only), ..folder.choice(&["b.yaml"]) };
    let selection = folder.select(&only, &["h"], &LastFailed::default());
    assert_eq!(
        (selection.tests.len(), selection.picked.notes[0].as_str()),
        (2, "no test failed last time: all are run")
    );
    let last: LastFailed = [folder.entry("a.yaml", "digits", "h")].into_iter().collect();
    let selection = folder.select(&only, &["h"], &last);
    let note = "of the 1 test that failed last time none is here: all are run";
    assert_eq!((selection.tests.len(), selection.picked.notes[0].as_str()), (2, note));
}

#[test]
fn shards_have_every_test_once_whatever_the_order_of_the_arguments() {
    let folder = Folder::new();
    let mut seen = Vec::new();
    for index in 1..=4 {
        let shard = Some(Shard { index, count: 4 });
        let choice = Choice { shard, repeat: NonZeroU32::new(3).unwrap(), ..folder.choice(&["a.yaml", "b.yaml"]) };
        let other = Choice { shard, repeat: choice.repeat, ..folder.choice(&["b.yaml", "a.yaml"]) };
        let mut names = folder.names(&choice);
        seen.extend(names.clone());
        names.sort();
        let mut others = folder.names(&other);
        others.sort();
        assert_eq!(names, others);
    }
    let mut all: Vec<String> = ALL.iter().flat_map(|name| (1..=3).map(move |n| format!("{name}#{n}"))).collect();
    all.sort();
    seen.sort();
    assert_eq!(seen, all);
}

#[test]
fn an_empty_part_says_so() {
    let folder = Folder::new();
    let choice = Choice { shard: Some(Shard { index: 3, count: 3 }), ..folder.choice(&["b.yaml"]) };
    let selection = folder.select(&choice, &["h"], &LastFailed::default());
    assert_eq!((selection.tests.len(), selection.why_none.as_str()), (0, "part 3/3 has none of the 2 tests"));
}

#[test]
fn repetitions_have_names_of_their_own_and_come_round_by_round() {
    let folder = Folder::new();
    let choice = Choice { repeat: NonZeroU32::new(2).unwrap(), ..folder.choice(&["b.yaml"]) };
    assert_eq!(folder.names(&choice), ["b.yaml::one#1", "b.yaml::two#1", "b.yaml::one#2", "b.yaml::two#2"]);
    let ids: HashSet<TestId> =
        folder.select(&choice, &["h"], &LastFailed::default()).tests.into_iter().map(|test| test.id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_seed_is_one_order_whatever_the_order_of_the_arguments() {
    let folder = Folder::new();
    let names = |seed, paths: &[&str]| folder.names(&Choice { seed, ..folder.choice(paths) });
    let ordered = names(Some(1), &["a.yaml", "b.yaml"]);
    assert_eq!(ordered, names(Some(1), &["b.yaml", "a.yaml"]));
    assert_ne!(ordered, names(Some(2), &["a.yaml", "b.yaml"]));
    let mut sorted = ordered;
    sorted.sort();
    let mut all = ALL.map(str::to_owned);
    all.sort();
    assert_eq!(sorted, all);
}

#[test]
fn what_is_left_out_is_counted() {
    let folder = Folder::new();
    let choice = Choice { keyword: Some("one".into()), ..folder.choice(&["a.yaml", "b.yaml"]) };
    assert_eq!(folder.select(&choice, &["h"], &LastFailed::default()).picked.left_out, 5);
}

#[test]
fn a_list_as_json_has_the_form_of_its_schema() {
    let folder = Folder::new();
    let choice = Choice { seed: Some(3), repeat: NonZeroU32::new(2).unwrap(), ..folder.choice(&["a.yaml", "b.yaml"]) };
    let hosts = ["h".to_owned()];
    let selection = folder.select(&choice, &["h"], &LastFailed::default());
    let list: serde_json::Value = serde_json::from_str(&ListFormat::Json.list(&selection, &hosts)).unwrap();
    let validator = jsonschema::validator_for(&list_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&list).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{list:#}");
    let tests = list["tests"].as_array().unwrap();
    let one = tests.iter().find(|test| test["name"] == "digits[codec=PCMA,mode=b]" && test["repetition"] == 2).unwrap();
    assert_eq!((&one["line"], &one["scenario"], &one["retries"]), (&1.into(), &"digits".into(), &2.into()));
    assert_eq!((&one["matrix"]["mode"], &one["xfail"], &one["skip"]), (&"b".into(), &"not yet".into(), &().into()));
    assert_eq!((&list["seed"], tests.len()), (&3.into(), 12));
    assert!(validator.validate(&serde_json::json!({ "version": 1 })).is_err());
}
