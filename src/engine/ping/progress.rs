//! How far each target is: small and fixed in size, as there may be a million.

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target {
    /// Number of its newest probe; 0 before the first.
    pub newest: u64,
    /// Place of that in the flight.
    pub place: u64,
    /// Whether it ever answered.
    pub answered: bool,
    /// Whether an answer came since its newest probe was made. The probes of such a target are not held back.
    pub replies: bool,
    /// Whether it is probed no more, because no name has it.
    pub retired: bool,
}

impl Target {
    /// The newest number whose low 16 bits are `seq`; `None` before the first such.
    pub fn number(&self, seq: u16) -> Option<u64> {
        let behind = (self.newest as u16).wrapping_sub(seq);
        self.newest.checked_sub(u64::from(behind)).filter(|number| *number > 0)
    }

    /// An answer came; returns whether it is the first.
    pub fn answer(&mut self) -> bool {
        self.replies = true;
        !std::mem::replace(&mut self.answered, true)
    }
}

/// All targets, by their numbers.
#[derive(Debug)]
pub struct Progress(Vec<Target>);

impl Progress {
    /// So many targets that were sent nothing yet.
    pub fn new(targets: u32) -> Self {
        Self(vec![Target::default(); usize::try_from(targets).unwrap_or(usize::MAX)])
    }

    /// Adds targets that were sent nothing yet.
    pub fn add(&mut self, targets: u32) {
        let targets = usize::try_from(targets).unwrap_or(usize::MAX);
        self.0.resize(self.0.len().saturating_add(targets), Target::default());
    }

    /// Whether there is one target.
    pub fn is_alone(&self) -> bool {
        self.0.len() == 1
    }

    /// One target.
    pub fn get(&self, number: u32) -> Option<&Target> {
        self.0.get(usize::try_from(number).ok()?)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Target> {
        self.0.get_mut(usize::try_from(number).ok()?)
    }
}
