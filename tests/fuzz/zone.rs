//! Any text as a master file: it is refused, or what was read is the same when it is written and read again.

#![no_main]

use fleet::kind::zone::file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(read) = file::read(text, Some("example.com")) else {
        return;
    };
    let default = read.ttl.unwrap_or(3600);
    let written = file::write("example.com", &read.sets, default);
    // Its name is given again: a record of type SOA elsewhere would be taken for that of the zone.
    let mut again = file::read(&written, Some("example.com")).expect("what was written");
    for set in &mut again.sets {
        set.ttl = set.ttl.filter(|ttl| *ttl != default);
    }
    let mut sets = read.sets;
    for set in &mut sets {
        set.ttl = set.ttl.filter(|ttl| *ttl != default);
    }
    assert_eq!(again.sets, sets, "{written}");
});
