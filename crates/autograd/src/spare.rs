//! Lists that outlive their tape.
//!
//! Every step makes a tape and sweeps it, and its lists grow to the same length
//! as in the step before. An empty list is put aside with the room that it has,
//! and the next tape of the thread begins with it.

use std::any::Any;
use std::cell::RefCell;

/// The lists that a thread keeps at most.
const MOST_LISTS: usize = 8;

/// The bytes above which a list is not kept: a tape of thousands of entries.
const MOST_BYTES: usize = 1 << 20;

thread_local! {
    static SPARE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// An empty list, with room if there is one to spare.
pub(crate) fn take<E: 'static>() -> Vec<E> {
    let found = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let at = spare.iter().rposition(|list| list.is::<Vec<E>>())?;
        spare.swap_remove(at).downcast::<Vec<E>>().ok()
    });
    found.ok().flatten().map(|list| *list).unwrap_or_default()
}

/// Puts a list aside, without what is left in it.
pub(crate) fn put<E: 'static>(mut list: Vec<E>) {
    // Here, where nothing is borrowed: an element may hold a tape.
    list.clear();
    if list.capacity() * size_of::<E>() > MOST_BYTES {
        return;
    }
    // Where the thread ends, the list goes with it.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < MOST_LISTS {
            spare.push(Box::new(list));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_used_again_with_its_room_and_without_its_elements() {
        let list = vec!["a".to_owned(); 10];
        let at = list.as_ptr();
        put(list);
        assert_eq!(take::<u64>().capacity(), 0);
        let again = take::<String>();
        assert!(again.is_empty() && again.as_ptr() == at);
        put(Vec::<u8>::with_capacity(MOST_BYTES + 1));
        assert_eq!(take::<u8>().capacity(), 0);
    }
}
