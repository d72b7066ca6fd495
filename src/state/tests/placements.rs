//! Tests of placements: what waits for a server that was away, and where what was removed is.

use super::*;

/// A task that has begun.
fn task(write: &Write<'_>) -> Result<i64, Diagnostic> {
    let new = NewTask {
        command: "apply",
        arguments: &[],
        operator: "tester",
        host: "here",
        process: 1,
    };
    write.begin_task(&new, now())
}

/// Something that is recorded later.
type Later<'a> = &'a dyn Fn(&Write<'_>) -> Result<(), Diagnostic>;

fn end(state: &mut State, task: i64) {
    state.write(|write| write.end_task(task, 0, now())).unwrap();
}

fn settle(state: &mut State, id: i64, result: &PlacementResult) {
    let on = server("sg-1");
    state
        .write(|write| write.settle_placement(id, &on, result))
        .unwrap();
}

fn not_reached(task: i64) -> PlacementResult {
    PlacementResult::Pending {
        reason: "no route to host".to_owned(),
        away: Some(task),
    }
}

fn stopped() -> PlacementResult {
    PlacementResult::Pending {
        reason: "stopped".to_owned(),
        away: None,
    }
}

fn waiting(state: &State) -> Vec<String> {
    let waiting = state.read(Read::waiting).unwrap();
    let of_server = waiting.into_iter().flat_map(|(server, names)| {
        let line = move |name| format!("{name} on {server}");
        names.into_iter().map(line)
    });
    of_server.collect()
}

fn status(state: &State) -> (PlacementStatus, Option<String>) {
    let placement = find(state, "a.com").unwrap().placements.remove(0);
    (placement.status, placement.reason)
}

#[test]
fn only_what_its_server_was_away_for_waits() {
    let (_dir, mut state) = fresh();
    let (staged, id, one) = state
        .write(|write| -> Result<_, Diagnostic> {
            let staged = add(write, "staged.com", 1, "sg-1")?;
            Ok((staged, add(write, "a.com", 1, "sg-1")?, task(write)?))
        })
        .unwrap();
    assert_eq!(waiting(&state), Vec::<String>::new());
    settle(&mut state, staged, &stopped());
    settle(&mut state, id, &not_reached(one));
    // The rest of its run may still tell that this is not to come anywhere.
    assert_eq!(waiting(&state), Vec::<String>::new());
    end(&mut state, one);
    assert_eq!(waiting(&state), ["site a.com on sg-1"]);
    state.write(|write| write.leave_to_admin(one)).unwrap();
    assert_eq!(waiting(&state), Vec::<String>::new());

    let ties = Ties::default();
    let change = Change {
        spec: &json!({"n": 2}),
        weight: 1,
        suspended: false,
        ties: &ties,
    };
    let failed = PlacementResult::Failed {
        reason: "refused".to_owned(),
    };
    // Whatever came after the task that found it away.
    let on = server("sg-1");
    let later: [(&str, Later<'_>); 5] = [
        ("stopped", &|write| {
            write.settle_placement(id, &on, &stopped())
        }),
        ("failed", &|write| write.settle_placement(id, &on, &failed)),
        ("staged again", &|write| {
            write.update_resource(id, &change, now()).map(drop)
        }),
        ("to go from there", &|write| write.displace(id, &on)),
        ("removed", &|write| write.remove_resource(id, None, now())),
    ];
    for (what, later) in later {
        settle(&mut state, id, &not_reached(one));
        assert_eq!(waiting(&state), ["site a.com on sg-1"], "before {what}");
        state.write(later).unwrap();
        assert_eq!(waiting(&state), Vec::<String>::new(), "{what}");
    }
    // Its removal waits as well, once that was tried.
    settle(&mut state, id, &not_reached(one));
    assert_eq!(waiting(&state), ["site a.com on sg-1"]);
}

#[test]
fn what_is_as_it_should_be_stays_so_when_it_was_not_tried() {
    let (_dir, mut state) = fresh();
    let (id, one) = state
        .write(|write| -> Result<_, Diagnostic> {
            Ok((add(write, "a.com", 1, "sg-1")?, task(write)?))
        })
        .unwrap();
    end(&mut state, one);
    let applied = PlacementResult::Applied { generation: 1 };
    settle(&mut state, id, &not_reached(one));
    settle(&mut state, id, &applied);
    assert_eq!(waiting(&state), Vec::<String>::new());
    for result in [stopped(), not_reached(one)] {
        settle(&mut state, id, &result);
        assert_eq!(status(&state), (PlacementStatus::Applied, None));
        assert_eq!(waiting(&state), Vec::<String>::new());
    }
    // Cut off in the middle of making it right, it may be anything.
    let cut = PlacementResult::Unknown {
        reason: "cut".to_owned(),
        away: Some(one),
    };
    settle(&mut state, id, &cut);
    assert_eq!(
        status(&state),
        (PlacementStatus::Pending, Some("cut".to_owned()))
    );
    assert_eq!(waiting(&state), ["site a.com on sg-1"]);
}

#[test]
fn what_was_removed_is_in_the_trash_of_the_task_that_carried_it_out() {
    let (_dir, mut state) = fresh();
    let id = state.write(|write| add(write, "a.com", 1, "sg-1")).unwrap();
    let (spec, ties) = (json!({}), Ties::default());
    let as_before = Change {
        spec: &spec,
        weight: 1,
        suspended: false,
        ties: &ties,
    };
    // Removed by task 12, carried out on one of two servers by another; then it comes back.
    let comes_back = |state: &mut State| {
        state
            .write(|write| {
                write.remove_resource(id, Some(12), now())?;
                for name in ["sg-1", "sg-2"] {
                    write.settle_placement(id, &server(name), &PlacementResult::Removed)?;
                }
                write.restore_resource(id, &as_before, now())?;
                write.place(id, &server("sg-1"))?;
                write.place(id, &server("sg-2"))?;
                write.place_from_trash(id, 12)
            })
            .unwrap();
        let placements = find(state, "a.com").unwrap().placements.into_iter();
        placements.map(|p| p.from_trash).collect::<Vec<_>>()
    };
    state
        .write(|write| {
            write.record_removal(id, &server("sg-1"), 14)?;
            write.record_removal(id, &server("sg-1"), 15)
        })
        .unwrap();
    assert_eq!(comes_back(&mut state), [Some(15), Some(12)]);
    // What no server has taken back is still there.
    assert_eq!(comes_back(&mut state), [Some(15), Some(12)]);
    let generation = find(&state, "a.com").unwrap().generation;
    settle(&mut state, id, &PlacementResult::Applied { generation });
    assert_eq!(comes_back(&mut state), [Some(12), Some(12)]);
}
