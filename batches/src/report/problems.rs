//! The items of a report that did not succeed: the first of them, the gravest before all others.

use super::item::ReportItem;
use crate::item::ItemState;

/// So many are kept, however many there are.
pub(super) const LIMIT: usize = 1000;

/// The items that did not succeed, by how much they need somebody's eye.
#[derive(Default)]
pub(super) struct Problems {
    ranks: [Vec<ReportItem>; 4],
    kept: usize,
    in_all: u64,
}

impl Problems {
    pub fn add(&mut self, item: &ReportItem) {
        if item.state == ItemState::Succeeded && item.attention.is_none() {
            return;
        }
        self.in_all += 1;
        let rank = rank(item);
        if self.kept == LIMIT {
            // Makes room, if there is one that matters less.
            let less = self.ranks.iter_mut().skip(rank + 1).rev().find(|items| !items.is_empty());
            if less.and_then(Vec::pop).is_none() {
                return;
            }
            self.kept -= 1;
        }
        if let Some(items) = self.ranks.get_mut(rank) {
            items.push(item.clone());
            self.kept += 1;
        }
    }

    /// Those that are kept: what needs a person comes first, what was tried again or waits for its turn comes last.
    pub fn iter(&self) -> impl Iterator<Item = &ReportItem> {
        self.ranks.iter().flatten()
    }

    /// How many there are.
    pub fn in_all(&self) -> u64 {
        self.in_all
    }

    /// How many are not among those that are kept.
    pub fn left_out(&self) -> u64 {
        self.in_all - self.kept as u64
    }
}

fn rank(item: &ReportItem) -> usize {
    if item.replaced_by.is_some() {
        return 3;
    }
    if item.attention.is_some() {
        return 0;
    }
    match item.state {
        ItemState::NeedsPerson => 0,
        ItemState::InDoubt => 1,
        ItemState::Failed | ItemState::Refused | ItemState::Rejected => 2,
        ItemState::Planned | ItemState::Accepted | ItemState::Succeeded | ItemState::Cancelled => 3,
    }
}
