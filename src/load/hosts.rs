//! The hosts that calls are offered to, and how many each has.

/// Calls at once of each host.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    hosts: Vec<Host>,
    active: u64,
}

#[derive(Clone, Debug, Default)]
struct Host {
    up: bool,
    /// Calls it can have at once; `None`: any number.
    capacity: Option<u32>,
    active: u64,
    offered: u64,
}

impl Host {
    /// The part of its capacity that is free, from 0 to 1; `None` when nothing is.
    fn free(&self) -> Option<f64> {
        match self.capacity {
            _ if !self.up => None,
            Some(capacity) if self.active >= u64::from(capacity) => None,
            Some(capacity) => Some(1.0 - self.active as f64 / f64::from(capacity)),
            None => Some(1.0),
        }
    }
}

impl Hosts {
    pub fn up(&mut self, host: usize, capacity: Option<u32>) {
        let host = self.host(host);
        (host.up, host.capacity) = (true, capacity);
    }

    pub fn lost(&mut self, host: usize) {
        self.host(host).up = false;
    }

    /// The host that has most free; of several, the one with fewest calls, then the one that had fewest so far. `None`
    /// when none has room.
    pub fn choose(&self) -> Option<usize> {
        let free = self.hosts.iter().enumerate().filter_map(|(number, host)| Some((host.free()?, number)));
        let (_, number) = free.max_by(|(free, a), (other, b)| {
            let of = |number: usize| (self.hosts[number].active, self.hosts[number].offered, number);
            free.total_cmp(other).then(of(*b).cmp(&of(*a)))
        })?;
        Some(number)
    }

    /// Gives a call to `host`.
    pub fn offer(&mut self, host: usize) {
        let host = self.host(host);
        host.active += 1;
        host.offered += 1;
        self.active += 1;
    }

    /// A call of `host` is over.
    pub fn ended(&mut self, host: usize) {
        let host = self.host(host);
        if host.active > 0 {
            host.active -= 1;
            self.active -= 1;
        }
    }

    /// Calls at once of all hosts.
    pub fn active(&self) -> u64 {
        self.active
    }

    pub fn active_on(&self, host: usize) -> u64 {
        self.hosts.get(host).map_or(0, |host| host.active)
    }

    pub fn offered_to(&self, host: usize) -> u64 {
        self.hosts.get(host).map_or(0, |host| host.offered)
    }

    fn host(&mut self, number: usize) -> &mut Host {
        if self.hosts.len() <= number {
            self.hosts.resize_with(number + 1, Host::default);
        }
        &mut self.hosts[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(hosts: &mut Hosts) -> Option<usize> {
        let host = hosts.choose()?;
        hosts.offer(host);
        Some(host)
    }

    fn take(hosts: &mut Hosts, count: usize) -> Vec<usize> {
        (0..count).map_while(|_| offer(hosts)).collect()
    }

    #[test]
    fn the_host_with_the_most_free_share_is_next() {
        let mut hosts = Hosts::default();
        hosts.up(0, Some(2));
        hosts.up(1, Some(4));
        // 2:4, 1:4, 1:3, ... by the free part of each.
        assert_eq!(take(&mut hosts, 9), [0, 1, 1, 0, 1, 1]);
        hosts.ended(1);
        assert_eq!(take(&mut hosts, 9), [1]);
        assert_eq!((hosts.active(), hosts.active_on(0), hosts.offered_to(1)), (6, 2, 5));
    }

    #[test]
    fn hosts_without_a_limit_take_turns_even_when_calls_are_over_at_once() {
        let mut hosts = Hosts::default();
        hosts.up(0, None);
        hosts.up(1, None);
        let turns: Vec<usize> = (0..4)
            .map(|_| {
                let host = offer(&mut hosts).unwrap();
                hosts.ended(host);
                host
            })
            .collect();
        assert_eq!(turns, [0, 1, 0, 1]);
    }

    #[test]
    fn a_lost_host_gets_no_call_and_its_calls_count_until_they_are_over() {
        let mut hosts = Hosts::default();
        hosts.up(0, None);
        hosts.up(3, None);
        assert_eq!(take(&mut hosts, 2), [0, 3]);
        hosts.lost(0);
        assert_eq!(take(&mut hosts, 2), [3, 3]);
        assert_eq!(hosts.active(), 4);
        hosts.ended(0);
        hosts.ended(0);
        assert_eq!((hosts.active(), hosts.active_on(0)), (3, 0));
        hosts.lost(3);
        assert_eq!(hosts.choose(), None);
        hosts.up(0, Some(0));
        assert_eq!(hosts.choose(), None);
    }
}
