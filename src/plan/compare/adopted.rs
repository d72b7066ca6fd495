//! What was taken over as it is: what may be changed of it all the same, and what must not follow from it.

use std::collections::BTreeMap;

use super::{Action, Blocked, Change, Comparison, ServerPlan, cloned};
use crate::item::file::Content;
use crate::item::{Applied, Item, Key, Props};
use crate::model::ResourceName;
use crate::plan::Wanted;

impl Comparison<'_> {
    /// Takes an item over as it is (`fact`) in the place of what is wanted.
    pub(super) fn take_over(
        &mut self,
        key: &Key,
        props: Props,
        fact: &Props,
        owners: Vec<ResourceName>,
    ) {
        self.plan.adopted.push((key.clone(), owners.clone()));
        let adopted = Applied {
            props,
            intent: None,
            adopted: Some(fact.clone()),
            owners,
        };
        self.plan.remember.push((key.clone(), adopted));
    }

    /// Changes of an item what its settings have changed since it was taken over, where the rest stays; whether it can.
    pub(super) fn spare(
        &mut self,
        key: &Key,
        wanted: &Wanted,
        fact: &Props,
        known: Option<&Applied>,
        owners: &[&ResourceName],
    ) -> bool {
        let spared = known.and_then(|known| {
            let as_found = known.adopted.as_ref()?;
            wanted.item.spared(as_found, &known.props)
        });
        let Some((item, then)) = spared else {
            return false;
        };
        self.plan.stays.insert(key.clone(), then);
        self.plan.changes.push(Change {
            key: key.clone(),
            action: Action::Update,
            before: Some(fact.clone()),
            after: wanted.item.wanted(),
            item: Some(item),
            owners: cloned(owners.iter().copied()),
            drift: false,
        });
        true
    }
}

/// Holds back those whose password would be written into a file, where the account keeps another one since it was taken
/// over: what would be written does not work.
pub(super) fn hold(plan: &mut ServerPlan, applied: &BTreeMap<Key, Applied>) {
    let keeps = |account: &Key| {
        let now = plan.remember.iter().find(|(key, _)| key == account);
        let known = now.map(|(_, now)| now).or_else(|| applied.get(account));
        let is_kept = plan.adopted.iter().any(|(key, _)| key == account);
        is_kept && known.is_some_and(|known| known.kept_its("password"))
    };
    let mut blocked = Vec::new();
    for change in &plan.changes {
        if let Some(Item::File(file)) = &change.item
            && let Content::Login(_, account) = &file.content
            && keeps(account)
        {
            let reason = format!(
                "`{account}` keeps its own password, so that the one in `{}` would not work",
                file.path
            );
            let hint = "leave `--write-settings` out; `fleet rotate-password` sets another, or takes the one that is in use \
                        with `--password-file`, and `fleet set-database --write-settings` writes it then";
            blocked.extend(change.owners.iter().map(|owner| Blocked {
                resource: owner.clone(),
                reason: reason.clone(),
                hint: Some(hint.to_owned()),
            }));
        }
    }
    plan.blocked.extend(blocked);
}
