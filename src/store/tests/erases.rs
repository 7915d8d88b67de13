use super::*;

#[tokio::test]
async fn a_tenant_that_goes_leaves_nothing_and_takes_nothing_of_others() {
    for place in places("erase").await {
        let store = &place.store;
        let rival: TenantId = "rival".parse().expect("a tenant");
        store.ensure_tenant(&rival, at(0), [9; 32]).await.expect("a tenant");
        for tenant in [&acme(), &rival] {
            let record = record(tenant, "0190-a");
            received(store, &record).await;
            store.deliver(tenant, "local:local:7", "d-1", "push", b"{}", at(3)).await.expect("keeps");
        }
        let kept = store.head(&rival).await.expect("a head");
        let gone = store.erase_tenant(&acme()).await.expect(place.name);
        assert_eq!((gone["audit_head"], gone["audit_leaf"], gone["proposal"], gone["delivery"]), (1, 2, 1, 1));
        assert!(matches!(store.head(&acme()).await, Err(StoreError::NotFound(_))), "{}", place.name);
        assert_eq!(store.record(&acme(), "0190-a").await.expect("reads"), None);
        assert_eq!(store.head(&rival).await.expect("a head"), kept);
        assert!(store.record(&rival, "0190-a").await.expect("reads").is_some());
        assert_eq!(proven(store, &rival).await, kept.size);
        // What forbids to delete outcomes stands again, and the tenant may begin anew.
        assert!(store.ensure_tenant(&acme(), at(9), [3; 32]).await.expect("again"));
        assert_eq!(proven(store, &acme()).await, 1, "{}", place.name);
    }
}

#[tokio::test]
async fn what_guards_outcomes_stands_again_after_a_tenant_went() {
    for place in places("erase2").await {
        let store = &place.store;
        let rival: TenantId = "rival".parse().expect("a tenant");
        store.ensure_tenant(&rival, at(0), [9; 32]).await.expect("a tenant");
        let mut open = record(&rival, "0190-b");
        received(store, &open).await;
        open.class = Some(class(&rival));
        store.erase_tenant(&acme()).await.expect(place.name);
        let mut tx = store.db.write().await.expect("begins");
        let sql = "INSERT INTO outcome (tenant, proposal, class, seq, target, at, result, auto, evidence) \
                   VALUES ($1, '0190-b', 'c', 1, 't', 1, 'good', 0, 'x')";
        let forged = crate::store::db::run!(&mut tx, sql, "rival");
        assert!(forged.is_err(), "{}: a good outcome of what was never merged", place.name);
    }
}
