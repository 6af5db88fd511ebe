//! What checks amount to.

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_micros(1_000_000_000 + seconds * 1_000_000)
}

fn reference(last: u8) -> Asked {
    Asked::Reference(SocketAddr::from(([192, 0, 2, last], 443)))
}

fn resolver() -> Asked {
    Asked::Resolver(SocketAddr::from(([192, 0, 2, 53], 53)))
}

fn nothing() -> Change<u32> {
    Change::default()
}

/// A host on which one failure waits for a check of these.
fn in_doubt(asked: &[Asked]) -> Own<u32> {
    let mut own = Own::new(at(0));
    own.hold(Needs::Anything, at(1), 7);
    assert!(own.wants_check(at(2)));
    assert_eq!(own.begin_check(asked.to_vec(), false, at(2)), nothing());
    assert!(!own.wants_check(at(3)));
    own
}

#[test]
fn a_reference_that_answers_makes_failures_real() {
    let mut own = in_doubt(&[reference(1), reference(2), resolver()]);
    assert_eq!(own.checked(reference(1), false), nothing());
    assert_eq!(own.checked(reference(2), true).believed, [7]);
    assert_eq!(own.online(), Some(true));
    assert!(own.is_proved(Needs::Anything, at(2)));
}

#[test]
fn nothing_of_two_kinds_is_an_outage_of_our_own() {
    let mut own = in_doubt(&[reference(1), resolver()]);
    assert_eq!(own.checked(reference(1), false), nothing());
    let change = own.checked(resolver(), false);
    assert_eq!((change.void, change.online), (vec![7], Some(false)));
    assert_eq!(change.silent, [reference(1), resolver()]);
    assert!(!own.wants_check(at(3)) && own.wants_check(at(7)));
    assert!(own.was_offline(at(5)));
    assert_eq!(own.prove(at(8), false).online, Some(true));
    assert!(own.was_offline(at(7)) && !own.was_offline(at(8)));
}

#[test]
fn a_router_and_a_resolver_that_answer_do_not_outweigh_all_that_is_beyond_them() {
    let gateway = Asked::Gateway([192, 0, 2, 1].into());
    let mut own = in_doubt(&[reference(1), resolver(), gateway]);
    assert_eq!(own.checked(gateway, true), nothing());
    assert_eq!(own.checked(resolver(), true), nothing());
    assert_eq!(own.checked(reference(1), false).online, Some(false));
}

#[test]
fn without_references_a_resolver_decides() {
    let mut own = in_doubt(&[resolver()]);
    assert_eq!(own.checked(resolver(), true).believed, [7]);
    let mut own = in_doubt(&[resolver()]);
    assert_eq!(own.checked(resolver(), false).online, Some(false));
}

#[test]
fn who_has_nothing_to_ask_believes_what_he_sees() {
    let mut own = Own::new(at(0));
    own.hold(Needs::Anything, at(1), 7);
    assert_eq!(own.begin_check(Vec::new(), false, at(2)).believed, [7]);
    assert_eq!(own.online(), None);
}

fn own_resolver() -> Asked {
    Asked::Resolver(SocketAddr::from(([127, 0, 0, 53], 53)))
}

fn gateway() -> Asked {
    Asked::Gateway([192, 0, 2, 1].into())
}

/// A host that was connected, and on which a check of these is under way; what it comes to, where those answer.
fn found(asked: &[Asked], independent: bool, answers: &[Asked]) -> (Own<u32>, Change<u32>) {
    let mut own = Own::new(at(0));
    for asked in answers {
        own.begin_check(vec![*asked], false, at(0));
        own.checked(*asked, true);
    }
    own.prove(at(1), false);
    own.hold(Needs::Anything, at(5), 7);
    own.begin_check(asked.to_vec(), independent, at(6));
    let mut found = nothing();
    for asked in asked {
        let change = own.checked(*asked, answers.contains(asked));
        if change != nothing() {
            found = change;
        }
    }
    (own, found)
}

#[test]
fn a_resolver_on_this_host_proves_nothing_by_its_cache() {
    let watched = Asked::Watched(1);
    let (_, change) = found(&[gateway(), own_resolver(), watched], false, &[own_resolver()]);
    assert_eq!(
        change.believed,
        [7],
        "a router that never answered is not silent, and one target may be down"
    );
    // One that did answer is.
    let asked = [gateway(), own_resolver(), watched];
    let mut own = Own::new(at(0));
    own.begin_check(vec![gateway()], false, at(0));
    own.checked(gateway(), true);
    own.prove(at(1), false);
    own.hold(Needs::Anything, at(5), 7);
    own.begin_check(asked.to_vec(), false, at(6));
    own.checked(own_resolver(), true);
    own.checked(gateway(), false);
    let change = own.checked(watched, false);
    assert_eq!((change.void, change.online, change.near), (vec![7], Some(false), vec![own_resolver()]));
}

#[test]
fn a_router_that_never_answers_is_no_witness_where_a_resolver_elsewhere_answers() {
    let asked = [gateway(), resolver(), Asked::Watched(1)];
    let (own, change) = found(&asked, false, &[resolver()]);
    assert_eq!((change.believed, own.online()), (vec![7], Some(true)));
}

#[test]
fn independent_addresses_that_fail_at_one_moment_are_the_line_whatever_caches_say() {
    let asked = [gateway(), resolver(), Asked::Watched(1), Asked::Watched(2)];
    let (mut own, change) = found(&asked, true, &[gateway(), resolver()]);
    assert_eq!((change.void, change.online), (vec![7], Some(false)));
    assert_eq!(change.near, [gateway(), resolver()]);
    // The router answers as before: that says nothing new, and neither does a check of less.
    own.begin_check(vec![gateway(), Asked::Watched(1)], false, at(11));
    own.checked(gateway(), true);
    own.checked(Asked::Watched(1), false);
    assert!(own.is_offline());
    // An answer that no cache had does.
    assert_eq!(own.resolved(at(20)).online, Some(true));
    own.hold(Needs::Anything, at(21), 8);
    own.begin_check(asked.to_vec(), true, at(22));
    let changes = asked.map(|asked| own.checked(asked, asked.name().is_some()));
    let believed: Vec<u32> = changes.into_iter().flat_map(|change| change.believed).collect();
    assert_eq!(believed, [8], "names resolve beyond, and nothing that is watched answers: a block");
}

#[test]
fn independent_addresses_do_not_outweigh_a_reference() {
    let asked = [reference(1), Asked::Watched(1), Asked::Watched(2)];
    let (_, change) = found(&asked, true, &[reference(1)]);
    assert_eq!(change.believed, [7]);
}

#[test]
fn an_answer_proves_what_was_sent_before_it() {
    let mut own: Own<u32> = Own::new(at(0));
    own.hold(Needs::Anything, at(1), 1);
    own.hold(Needs::Anything, at(5), 5);
    assert_eq!(own.prove(at(3), false).believed, [1]);
    assert_eq!(own.prove(at(5), true).believed, [5]);
}

#[test]
fn no_route_counts_only_where_others_of_the_family_are_reached() {
    let mut own: Own<u32> = Own::new(at(0));
    own.hold(Needs::Family { v6: true }, at(1), 1);
    assert_eq!(own.prove(at(3), false), nothing());
    let change = own.begin_check(Vec::new(), false, at(4));
    assert_eq!((change.believed, change.void), (vec![], vec![1]));
    own.hold(Needs::Family { v6: true }, at(5), 2);
    assert_eq!(own.prove(at(6), true).believed, [2]);
}
