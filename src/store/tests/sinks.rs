use super::*;

#[tokio::test]
async fn a_cursor_is_carried_by_one_at_a_time_and_never_set_back() {
    for place in places("sinks").await {
        let (store, other) = (&place.store, place.again().await);
        store.append(&acme(), &[note("one"), note("two")], at(1)).await.expect("appends");
        store.ensure_sink(&acme(), "siem", false, at(1)).await.expect("made");
        store.ensure_sink(&acme(), "late", true, at(1)).await.expect("made");
        let cursors = store.cursors(&acme()).await.expect("cursors");
        let seen: Vec<_> = cursors.iter().map(|it| (it.name.as_str(), it.next, it.lag(), it.is_due(at(2)))).collect();
        assert_eq!(seen, [("late", 3, 0, false), ("siem", 0, 3, true)], "{}", place.name);

        let mut mine = store.carry(&acme(), "siem", "a", 60, at(2)).await.expect("asks").expect("free");
        assert_eq!(other.carry(&acme(), "siem", "b", 60, at(61)).await.expect("asks"), None, "{}", place.name);
        store.carried(&mut mine, 2, 60, at(50)).await.expect("moves");
        // The lease was held longer, and then it ended by itself.
        assert_eq!(other.carry(&acme(), "siem", "b", 60, at(100)).await.expect("asks"), None);
        let mut theirs = other.carry(&acme(), "siem", "b", 60, at(110)).await.expect("asks").expect("free");
        assert_eq!(theirs.next, 2);
        let late = store.carried(&mut mine, 3, 60, at(111)).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{}: {late:?}", place.name);
        other.carried(&mut theirs, 3, 60, at(111)).await.expect("moves");
        store.set_down(&mine).await.expect("an old lease ends nothing");
        assert!(other.cursors(&acme()).await.expect("cursors")[1].lease > at(0), "{}", place.name);
        other.set_down(&theirs).await.expect("ends");
        store.ensure_sink(&acme(), "siem", false, at(200)).await.expect("made before");
        assert_eq!(store.cursors(&acme()).await.expect("cursors")[1].next, 3, "{}", place.name);
    }
}

#[tokio::test]
async fn a_sink_that_fails_is_tried_later_and_later() {
    for place in places("sinkfail").await {
        let store = &place.store;
        store.ensure_sink(&acme(), "siem", false, at(1)).await.expect("made");
        let (mut now, mut pauses) = (at(1), Vec::new());
        for _ in 0..9 {
            let carry = store.carry(&acme(), "siem", "a", 60, now).await.expect("asks").expect("due");
            let again = store.stumble(&carry, "down\0 password=hunter2hunter2", 0, now).await.expect("kept");
            assert_eq!(store.carry(&acme(), "siem", "a", 60, again.plus_seconds(-1)).await.expect("asks"), None);
            pauses.push((again.0 - now.0) / 1_000_000);
            now = again;
        }
        assert!(pauses.windows(2).take(6).all(|two| two[0] < two[1]) && pauses.iter().all(|p| *p <= 750), "{pauses:?}");
        let cursor = &store.cursors(&acme()).await.expect("cursors")[0];
        assert_eq!((cursor.attempts, cursor.next), (9, 0));
        let error = cursor.error.as_deref().unwrap_or_default();
        assert!(error.contains("down\u{fffd}") && !error.contains("hunter2"), "{error}");
        let mut carry = store.carry(&acme(), "siem", "a", 60, now).await.expect("asks").expect("due");
        let later = store.stumble(&carry, "slow down", 5_000, now).await.expect("kept");
        assert_eq!(later, now.plus_seconds(5_000));
        carry = store.carry(&acme(), "siem", "a", 60, later).await.expect("asks").expect("due");
        store.carried(&mut carry, 1, 60, later).await.expect("moves");
        let cursor = &store.cursors(&acme()).await.expect("cursors")[0];
        assert_eq!((cursor.attempts, cursor.error.as_deref()), (0, None), "{}", place.name);
    }
}
