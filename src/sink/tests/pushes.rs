use super::listener::{Listener, Reply};
use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn loki(listener: &Listener) -> String {
    format!("[[tenant.sink]]\nname = \"loki\"\nkind = \"loki\"\nurl = \"{}\"\n", listener.url)
}

fn otlp(listener: &Listener) -> String {
    format!("[[tenant.sink]]\nname = \"otlp\"\nkind = \"otlp\"\nurl = \"{}\"\n", listener.url)
}

/// The entries of a request to Loki: time and text.
fn values(body: &Value) -> Vec<(String, Value)> {
    let streams = body["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 1);
    let value = |value: &Value| {
        let text: Value = serde_json::from_str(value[1].as_str().unwrap()).unwrap();
        (value[0].as_str().unwrap().to_owned(), text)
    };
    streams[0]["values"].as_array().unwrap().iter().map(value).collect()
}

fn sent(listener: &Listener) -> Vec<u64> {
    let all = listener.asked();
    all.iter().flat_map(|asked| values(&asked.body)).map(|(_, text)| text["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn loki_gets_one_stream_of_a_tenant_with_times_and_its_token() {
    let bench = Bench::new().await;
    let listener = Listener::start(Vec::new()).await;
    let token = bench.path("token");
    std::fs::write(&token, "a-secret-of-loki-0123456789\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    bench.happen("acme", 2).await;
    bench.happen("rival", 2).await;
    let more = "token_file = \"token\"\norg = \"acme-7\"\npayloads = true\n";
    bench.sinks(&format!("{}{more}", loki(&listener))).await.settle().await.unwrap();
    let asked = listener.asked();
    assert_eq!(asked.len(), 1);
    let head = asked[0].head.to_lowercase();
    assert!(head.starts_with("post /take http/1.1"), "{head}");
    assert!(
        head.contains("authorization: bearer a-secret-of-loki-0123456789") && head.contains("x-scope-orgid: acme-7")
    );
    let stream = &asked[0].body["streams"][0]["stream"];
    assert_eq!(stream, &json!({"service_name": "countersign", "instance": "bot.example", "tenant": "acme"}));
    let values = values(&asked[0].body);
    assert_eq!(values.len(), 3);
    let leaf = &bench.store.leaves(&tenant("acme"), 1, 1).await.unwrap()[0];
    let (at, text) = &values[1];
    assert_eq!(at, &format!("{}000", text["time_us"]));
    assert_eq!((&text["type"], &text["payload"]["n"]), (&json!("push.intent"), &json!(0)));
    assert_eq!(text["hash"], json!(crate::domain::audit::leaf_hash(&leaf.bytes)));
    assert!(!asked[0].body.to_string().contains("a-secret-of-loki"));
}

#[tokio::test]
async fn otlp_gets_records_with_attributes_and_their_index() {
    let bench = Bench::new().await;
    let listener = Listener::start(vec![Reply::Say(200, "", "{\"partialSuccess\":{}}")]).await;
    let refused = Event { decision: crate::domain::audit::Decision::Refuse, ..Event::note("gate.refused", json!({})) };
    bench.store.append(&tenant("acme"), &[refused], Time(BEGIN + 5)).await.unwrap();
    bench.sinks(&otlp(&listener)).await.settle().await.unwrap();
    let body = &listener.asked()[0].body["resourceLogs"][0];
    let service = json!({"key": "service.name", "value": {"stringValue": "countersign"}});
    assert_eq!(body["resource"]["attributes"][0], service);
    let records = body["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let of = |record: &Value, key: &str| {
        let all = record["attributes"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).map(|one| one["value"].clone())
    };
    assert_eq!(records.len(), 2);
    assert_eq!(of(&records[1], "countersign.seq"), Some(json!({"intValue": "1"})));
    assert_eq!(of(&records[1], "countersign.tenant"), Some(json!({"stringValue": "acme"})));
    assert_eq!(
        (&records[1]["eventName"], &records[1]["severityNumber"]),
        (&json!("countersign.gate.refused"), &json!(13))
    );
    assert_eq!(
        (&records[1]["timeUnixNano"], &records[0]["severityNumber"]),
        (&json!(format!("{}000", BEGIN + 5)), &json!(9))
    );
    let text: Value = serde_json::from_str(records[1]["body"]["stringValue"].as_str().unwrap()).unwrap();
    assert_eq!(
        (text["seq"].clone(), text.get("payload")),
        (json!(1), None),
        "payloads go only where they are asked for"
    );
    assert_eq!(bench.cursor("otlp").await.lag(), 0);
}

/// Down for an hour, in every way there is; then every entry arrives, in order, and none that was taken comes again.
#[tokio::test]
async fn a_sink_that_is_down_for_an_hour_loses_and_doubles_nothing() {
    let bench = Bench::new().await;
    let down =
        vec![Reply::Say(500, "", "oops"), Reply::Drop, Reply::Say(503, "Retry-After: 1200\r\n", ""), Reply::Drop];
    let listener = Listener::start(down).await;
    bench.happen("acme", 3).await;
    let sinks = bench.sinks(&loki(&listener)).await;
    let mut tries = 0;
    for _ in 0..60 {
        tries += sinks.settle().await.unwrap();
        bench.happen("acme", 1).await;
        bench.wait(60);
        if listener.asked().len() == 5 {
            break;
        }
    }
    let cursor = bench.cursor("loki").await;
    assert_eq!(tries, 5, "four that failed, later and later, and one that did not: {cursor:?}");
    sinks.settle().await.unwrap();
    assert_eq!(bench.cursor("loki").await.lag(), 0);
    let good = &listener.asked()[4..];
    let all: Vec<u64> =
        good.iter().flat_map(|asked| values(&asked.body)).map(|(_, it)| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(all, (0..bench.store.head(&tenant("acme")).await.unwrap().size).collect::<Vec<_>>());
    assert!(all.len() > 20, "twenty minutes of Retry-After were kept: {}", all.len());
}

/// One listener never answers: the log goes on, and so does every other sink.
#[tokio::test]
async fn a_sink_that_hangs_holds_up_nothing() {
    let bench = Bench::new().await;
    let (hung, well) = (Listener::start(vec![Reply::Hang]).await, Listener::start(Vec::new()).await);
    bench.happen("acme", 1).await;
    let sinks = bench.sinks(&format!("{}{}", loki(&hung), otlp(&well))).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(sinks.clone().run(stop.clone()));
    hung.heard().await;
    bench.happen("acme", 20).await;
    sinks.look();
    while bench.cursor("otlp").await.lag() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cursor = bench.cursor("loki").await;
    assert_eq!((cursor.next, cursor.lag(), hung.asked().len()), (0, 22, 1), "still waiting for its answer");
    stop.cancel();
    running.await.unwrap();
    // The lease was given back, so that another process goes on at once.
    assert_eq!(sinks.settle().await.unwrap(), 1);
    assert_eq!(bench.cursor("loki").await.lag(), 0);
    assert_eq!(sent(&hung).iter().filter(|seq| **seq == 0).count(), 2, "not known to have arrived: sent again");
}

#[tokio::test]
async fn a_batch_that_is_refused_is_sent_in_parts_until_the_entry_is_known() {
    let bench = Bench::new().await;
    let listener = Listener::start(vec![Reply::Say(413, "", "too large"), Reply::Say(400, "", "too large")]).await;
    bench.happen("acme", 7).await;
    let sinks = bench.sinks(&loki(&listener)).await;
    sinks.settle().await.unwrap();
    let sizes: Vec<usize> = listener.asked().iter().map(|asked| values(&asked.body).len()).collect();
    assert_eq!(sizes, [8, 4, 2, 4, 2], "halves, and then as many again");
    assert_eq!(bench.cursor("loki").await.lag(), 0);
    listener.next(vec![Reply::Say(400, "", "entry too far behind, token=abcdefgh12345678")]);
    bench.happen("acme", 1).await;
    sinks.settle().await.unwrap();
    let cursor = bench.cursor("loki").await;
    let error = cursor.error.clone().unwrap();
    assert!(error.contains("entry too far behind") && !error.contains("abcdefgh12345678"), "{error}");
    assert_eq!((cursor.lag(), cursor.attempts), (1, 1), "it is not skipped");
}

#[tokio::test]
async fn a_collector_that_takes_a_part_is_not_believed_to_have_taken_all() {
    let bench = Bench::new().await;
    let part = "{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"no room\"}}";
    let listener = Listener::start(vec![Reply::Say(200, "", part); 3]).await;
    bench.happen("acme", 3).await;
    bench.sinks(&otlp(&listener)).await.settle().await.unwrap();
    let cursor = bench.cursor("otlp").await;
    assert_eq!((cursor.next, cursor.attempts), (0, 1));
    assert!(cursor.error.unwrap().contains("rejected 1 entries"));
}

#[tokio::test]
async fn one_replica_at_a_time_carries_a_sink_and_a_lost_one_is_replaced() {
    let bench = Bench::new().await;
    let listener = Listener::start(Vec::new()).await;
    bench.happen("acme", 1).await;
    let sinks = bench.sinks(&loki(&listener)).await;
    // Another process has it, and dies.
    let other = bench.store.carry(&tenant("acme"), "loki", "there", 120, Time(BEGIN)).await.unwrap();
    assert!(other.is_some());
    assert_eq!(sinks.settle().await.unwrap(), 0);
    assert!(listener.asked().is_empty());
    bench.wait(121);
    assert_eq!(sinks.settle().await.unwrap(), 1);
    assert_eq!(sent(&listener), [0, 1]);
}

#[tokio::test]
async fn a_new_sink_may_begin_behind_what_is_there() {
    let bench = Bench::new().await;
    let listener = Listener::start(Vec::new()).await;
    bench.happen("acme", 5).await;
    let sinks = bench.sinks(&format!("{}from = \"now\"\n", loki(&listener))).await;
    assert_eq!(sinks.settle().await.unwrap(), 0);
    bench.happen("acme", 1).await;
    sinks.settle().await.unwrap();
    assert_eq!(sent(&listener), [6]);
}
