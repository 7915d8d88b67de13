//! A class that has earned to merge by itself: eighteen clean changes of six applications on three days, played once
//! for each forge and copied for each test.

use crate::documents::config;
use crate::ground::{Ground, Kind, REPORTER};
use crate::stand::{Stand, bump};
use countersign::app::system_clock;
use countersign::cli::demo::shop;
use countersign::domain::facts::{Conclusion, HealthReport};
use countersign::domain::ids::Time;
use countersign::domain::trust::Judgement;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub const DAY: i64 = 86_400;
const EARN: &str = "  wilsonLowerBound: \"0.80\"\n  spread: {targets: 3, days: 3}\n  quietPeriod: 0s\n  requiredChecks: [{name: \"ci/*\", app: 15368}]\n";

struct Season {
    home: PathBuf,
    end: Time,
}

/// Ground on which a change of an image in staging merges by itself.
pub async fn ground(kind: Kind) -> Ground {
    static SEASONS: [OnceLock<Season>; 3] = [const { OnceLock::new() }; 3];
    let place = match kind {
        Kind::Local => 0,
        Kind::Github => 1,
        Kind::Gitlab => 2,
    };
    let season = SEASONS[place].get_or_init(|| std::thread::spawn(move || play(kind)).join().unwrap());
    Ground::copy(kind, &season.home, season.end).await
}

pub async fn stand(kind: Kind) -> Stand {
    Stand::on(ground(kind).await).await
}

fn play(kind: Kind) -> Season {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("forges-{}", kind.name()));
    let _ = std::fs::remove_dir_all(&home);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // It ends before now, so that a server with the system's clock can go on from there.
        let start = system_clock()().plus_seconds(-10 * DAY).whole_second();
        let stand = Stand::on(Ground::of(kind, &shop(), "api", start).await).await;
        earn(&stand).await;
        let ground = stand.leave().await;
        let _ = std::fs::remove_dir_all(ground.home.join("data/mirrors"));
        ground.keep(&home);
        Season { home, end: ground.clock.now() }
    })
}

async fn earn(stand: &Stand) {
    stand.rules(&config("automate", EARN, "")).await;
    for day in 0..3 {
        let mut ids = Vec::new();
        for app in ["basket", "billing", "catalog", "checkout", "email", "gateway"] {
            let id = stand.propose(bump(app, &format!("1.0.{day}"))).await;
            stand.merges(&id).await;
            stand.clock.advance(300);
            ids.push(id);
        }
        stand.settle().await;
        for id in ids {
            good(stand, &id).await;
        }
        stand.later(DAY).await;
    }
    for _ in 0..3 {
        stand.later(DAY).await;
    }
}

/// A reporter finds it good.
pub async fn good(stand: &Stand, id: &str) {
    let landed = stand.record(id).await.landed.expect("it landed").commit;
    let report = HealthReport {
        reporter: REPORTER.into(),
        result: Judgement::Good,
        revision: Some(landed),
        note: "healthy".into(),
        severe: false,
        since: None,
        at: stand.clock.now(),
    };
    stand.parts.store.report(&stand.tenant, id, &report).await.unwrap();
}

/// CI passes, and the service looks.
pub async fn green(stand: &Stand, id: &str) {
    stand.checks(id, "ci/build", Conclusion::Success).await;
    stand.settle().await;
}
