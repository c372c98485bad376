//! One test at a time on a host that several share.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::sync::{Arc, Weak};

thread_local! {
    /// The turn that a test has already, for another host of the same test.
    static HERE: RefCell<Weak<File>> = const { RefCell::new(Weak::new()) };
}

/// A test's turn on a host: no other test on this machine has it meanwhile, in this process or another.
///
/// What a client sees of a FreeSWITCH is all that there is, calls of other tests too, and their apps would take sessions
/// of this one for their own.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held, and let go as it is dropped")] Arc<File>);

impl Turn {
    /// Waits for the turn on the host at `address`.
    pub fn take(address: &str) -> io::Result<Turn> {
        if let Some(turn) = HERE.with_borrow(Weak::upgrade) {
            return Ok(Turn(turn));
        }
        let name: String = address.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let path = std::env::temp_dir().join(format!("callwright-{name}.lock"));
        let file = match OpenOptions::new().create(true).truncate(false).write(true).open(&path) {
            // Somebody else's serves as well.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(&path)?,
            opened => opened?,
        };
        file.lock()?;
        let turn = Arc::new(file);
        HERE.set(Arc::downgrade(&turn));
        Ok(Turn(turn))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_test_has_its_turn_twice_and_another_waits_for_it() {
        let address = format!("turn-{}", std::process::id());
        let both = [Turn::take(&address).unwrap(), Turn::take(&address).unwrap()];
        let (told, order) = mpsc::channel();
        let other = {
            let (address, told) = (address.clone(), told.clone());
            std::thread::Builder::new().spawn(move || {
                let turn = Turn::take(&address).unwrap();
                told.send("other").unwrap();
                drop(turn);
            })
        };
        told.send("first").unwrap();
        drop(both);
        other.unwrap().join().unwrap();
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["first", "other"]);
        std::fs::remove_file(std::env::temp_dir().join(format!("callwright-{address}.lock"))).unwrap();
    }
}
