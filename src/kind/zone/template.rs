//! Templates: the records that a new zone begins with.

use super::check::Address;
use super::file;
use super::records::{RecordSet, sort};
use crate::diagnostic::Invalid;
use crate::kind::reason::shown;

/// The words of the templates that fleet brings.
pub(super) const WORDS: [&str; 5] = ["none", "default", "mail", "google", "microsoft365"];

/// A template is a master file. `{zone}` stands for the zone, `{zone-}` for it with dashes; a line with `{ipv4}` or
/// `{ipv6}` is there once for each address of that family that is given, and left out without any.
pub(super) fn named(word: &str) -> Option<&'static str> {
    Some(match word {
        "none" => "",
        "default" => "@ A {ipv4}\n@ AAAA {ipv6}\nwww CNAME @\n",
        "mail" => {
            "@ A {ipv4}\n@ AAAA {ipv6}\nwww CNAME @\n@ MX 10 mail\nmail A {ipv4}\nmail AAAA {ipv6}\n\
             @ TXT \"v=spf1 mx -all\"\n_dmarc TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@{zone}\"\n"
        }
        "google" => {
            "@ A {ipv4}\n@ AAAA {ipv6}\nwww CNAME @\n@ MX 1 smtp.google.com.\n\
             @ TXT \"v=spf1 include:_spf.google.com ~all\"\n_dmarc TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@{zone}\"\n"
        }
        "microsoft365" => {
            "@ A {ipv4}\n@ AAAA {ipv6}\nwww CNAME @\n@ MX 0 {zone-}.mail.protection.outlook.com.\n\
             @ TXT \"v=spf1 include:spf.protection.outlook.com -all\"\nautodiscover CNAME autodiscover.outlook.com.\n\
             enterpriseregistration CNAME enterpriseregistration.windows.net.\n\
             enterpriseenrollment CNAME enterpriseenrollment-s.manage.microsoft.com.\n\
             _dmarc TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@{zone}\"\n"
        }
        _ => return None,
    })
}

/// The records of a template for a zone.
pub(super) fn records(
    text: &str,
    zone: &str,
    addresses: &[String],
) -> Result<Vec<RecordSet>, Invalid> {
    let mut invalid = Invalid::default();
    let (mut v4, mut v6, mut sites) = (Vec::new(), Vec::new(), Vec::new());
    for address in addresses {
        if let Some(site) = address.strip_prefix("site:") {
            match site.parse::<crate::model::DomainName>() {
                Ok(site) => sites.push(format!("site:{site}")),
                Err(error) => invalid.push("address", error.message),
            }
            continue;
        }
        match Address::parse(address) {
            Some(Address::V4(address)) => v4.push(address.to_string()),
            Some(Address::V6(address)) => v6.push(address.to_string()),
            None => invalid.push_with_hint(
                "address",
                format!("`{}` is not an address", shown(address)),
                "such as `192.0.2.1`, `2001:db8::1` or `site:example.com`",
            ),
        }
    }
    invalid.into_result()?;
    let (mut plain, mut follow) = (String::new(), Vec::new());
    let mut has_addresses = false;
    for line in text.lines() {
        let line = line
            .replace("{zone}", zone)
            .replace("{zone-}", &zone.replace('.', "-"));
        let (mark, family) = if line.contains("{ipv4}") {
            ("{ipv4}", &v4)
        } else if line.contains("{ipv6}") {
            ("{ipv6}", &v6)
        } else {
            plain.push_str(&line);
            plain.push('\n');
            continue;
        };
        for address in family {
            has_addresses = true;
            plain.push_str(&line.replace(mark, address));
            plain.push('\n');
        }
        // A master file has no word for a site: it is read with a stand-in of the same family.
        let stand_in = if mark == "{ipv4}" {
            "192.0.2.0"
        } else {
            "2001:db8::"
        };
        if !sites.is_empty() {
            has_addresses = true;
            let read = file::read(&line.replace(mark, stand_in), Some(zone))?;
            for mut set in read.sets {
                set.values.clone_from(&sites);
                follow.push(set);
            }
        }
    }
    let mut sets = file::read(&plain, Some(zone))
        .or_else(|invalid| {
            // Nothing at all is no mistake here.
            if plain.trim().is_empty() {
                Ok(file::Read::default())
            } else {
                Err(invalid)
            }
        })?
        .sets;
    for set in follow {
        match sets
            .iter_mut()
            .find(|there| there.name == set.name && there.rtype == set.rtype)
        {
            Some(there) => there.values.extend(set.values),
            None => sets.push(set),
        }
    }
    if !has_addresses {
        // `www` would lead to nothing.
        sets.retain(|set| !(set.rtype == "CNAME" && set.values == [format!("{zone}.")]));
    }
    sort(&mut sets);
    Ok(sets)
}
