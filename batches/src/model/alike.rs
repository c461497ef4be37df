//! Which states are alike: from both, the same can happen for ever. They are made one, so that there are fewer.

use super::setting::Setting;
use super::state::{At, Platform, State, Token, micros};
use crate::chunk::{ChunkState, Micros, Registration};
use crate::item::ItemState;

/// The registration of a token that ended long ago.
const LONG_AGO: Registration = Registration { expires_at: 0, life: 0, at: 0 };

/// One that never ends.
const NEVER: Registration = Registration { expires_at: 0, life: Micros::MAX, at: 0 };

/// The epoch of whoever has the chunk no more. Epochs only grow, so it will never have it again.
const STALE: i64 = -1;

/// Makes a state the same as those that are alike.
pub(super) fn merge(setting: &Setting, state: &mut State) {
    of_tokens(setting, state);
    of_journal(setting, state);
    // An earlier journal has earlier epochs.
    if !setting.restores || state.is_restored && setting.rules.new_epochs {
        (0..state.workers.len()).for_each(|number| of_worker(setting, state, number));
    }
    if !setting.restores {
        of_epochs(state);
    }
    let now = state.now;
    for made in state.platform.made.iter_mut().flatten().filter(|made| made.hidden_until < now) {
        made.hidden_until = 0;
    }
    state.platform.sort();
}

/// Tokens that are over, each in its way, are alike.
fn of_tokens(setting: &Setting, state: &mut State) {
    let platform_time = state.platform_time(setting.clocks);
    let is_refused = |token: &Token| token.is_refused(platform_time, setting.assumed.leeway);
    let Platform { wire, taken, .. } = &mut state.platform;
    // Nobody hears of its refusal.
    wire.retain(|request| request.worker.is_some() || !is_refused(&request.token));
    for token in wire.iter_mut().map(|request| &mut request.token) {
        token.asked = None;
        if is_refused(token) {
            *token = Token { expires_at: None, asked: None, denied: 0 };
        }
    }
    for token in taken.iter_mut().map(|taken| &mut taken.request.token) {
        (token.expires_at, token.asked) = (None, None);
    }
    for number in 0..state.workers.len() {
        if state.workers[number].at == At::Idle {
            state.workers[number].slept = 0;
        }
        let own_time = state.own_time(number);
        match &mut state.workers[number].at {
            At::Asked { asked, .. } => {
                let token = Token { expires_at: None, asked: *asked, denied: 0 };
                *asked = asked.filter(|_| !token.is_over(own_time, setting.times));
            }
            At::Sending { token, .. } => {
                token.asked = token.asked.filter(|_| !token.is_over(own_time, setting.times));
                if is_refused(token) {
                    (token.expires_at, token.denied) = (None, 0);
                }
            }
            At::TokenInHand { token, .. } => {
                token.asked = token.asked.filter(|_| !token.is_over(own_time, setting.times));
            }
            _ => {}
        }
    }
}

/// What is due, is due; and a registration counts only while something may be on its way.
fn of_journal(setting: &Setting, state: &mut State) {
    let (now, platform_time) = (state.database_time(), micros(state.platform_time(setting.clocks)));
    let chunk = &mut state.journal.chunk;
    if chunk.due_at <= now {
        chunk.due_at = 0;
    }
    if !matches!(chunk.state, ChunkState::Sending | ChunkState::Settling) {
        chunk.registration = None;
    }
    let is_past = |it: &Registration| setting.times.fence().proves_not_made(*it, now, Some(platform_time));
    if chunk.registration.as_ref().is_some_and(is_past) {
        chunk.registration = Some(LONG_AGO);
    }
}

/// What a worker does that has the chunk no more comes to nothing, but for what it finds to be made.
fn of_worker(setting: &Setting, state: &mut State, number: usize) {
    let (current, fence) = (state.journal.chunk.epoch, setting.times.fence());
    let worker = &mut state.workers[number];
    match &mut worker.at {
        At::TokenInHand { epoch, token } if *epoch != current && setting.rules.registers => {
            *token = Token { expires_at: None, asked: None, denied: 0 };
        }
        At::Asked { epoch, asked } if *epoch != current && setting.rules.registers => *asked = None,
        At::Settling { epoch, at, registration, .. } if *epoch != current => {
            (*at, *registration) = (0, None);
        }
        // It was too early by the database's clock, and stays so.
        At::Settling { at, registration: Some(token), .. } if setting.rules.database_clock => {
            if *at <= fence.ends(*token) {
                (*at, *token) = (0, NEVER);
            } else {
                (*at, *token) = (Micros::MAX, Registration { life: 0, at: 0, ..*token });
            }
        }
        At::Ending { epoch, found } if *epoch != current => {
            for found in found.iter_mut().filter(|found| !found.is_some_and(ItemState::is_made)) {
                *found = None;
            }
        }
        _ => {}
    }
}

/// Only whether an epoch is the current one counts.
fn of_epochs(state: &mut State) {
    let current = std::mem::take(&mut state.journal.chunk.epoch);
    for worker in &mut state.workers {
        match &mut worker.at {
            At::Idle => {}
            At::Claimed { epoch }
            | At::Asked { epoch, .. }
            | At::TokenInHand { epoch, .. }
            | At::Sending { epoch, .. }
            | At::Settling { epoch, .. }
            | At::Ending { epoch, .. } => *epoch = if *epoch == current { 0 } else { STALE },
        }
    }
}
