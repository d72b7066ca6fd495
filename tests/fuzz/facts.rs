//! Any text as what a server says: of itself, of its items, of its cron jobs.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.lines().collect();
    let reading = fleet::health::parse::parse(lines.iter().copied());
    assert!(reading.facts.disks.len() <= 64);
    let _ = fleet::plan::observe::facts(lines.iter().copied());
    for item_type in fleet::item::ItemType::ALL {
        let _ = item_type.facts(&lines);
    }
    let now = jiff::Timestamp::from_second(1_795_175_700).expect("a time");
    for kind in &fleet::kind::KINDS {
        let _ = (kind.heard)(&lines, now);
    }
});
