//! A new key for all that is sealed: made, then used in one transaction, then alone.
//!
//! Whenever it is interrupted, some key that fleet finds opens what is stored: a new key is in the key file before it
//! seals anything, and the old one stays there until nothing is sealed with it.

use std::sync::Arc;

use super::key::{Master, Sealing, SealingKey};
use super::keys::{KeyPlace, Keys};
use super::{Read, State};
use crate::diagnostic::{Class, Diagnostic};

/// A new key that is not in use yet.
#[derive(Debug)]
pub struct Rotation {
    pub(super) old: Option<Arc<SealingKey>>,
    pub(super) new: SealingKey,
    pub(super) sealing: Sealing,
    master: Master,
    place: KeyPlace,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// How many secrets there are.
    pub secrets: usize,
    /// Where the key is now.
    pub place: KeyPlace,
    /// How many older keys were taken out of the key file.
    pub forgotten: usize,
}

impl State {
    /// The first step: opens what is there, and makes the new key at `place` (`None`: where the old one is). Nothing is
    /// changed in the database yet.
    pub fn begin_rotation(
        &self,
        keys: &Keys,
        place: Option<KeyPlace>,
    ) -> Result<Rotation, Diagnostic> {
        let known = self.read(Read::sealing)?;
        let old = known.as_ref().map(|sealing| keys.open(sealing));
        let old = old.transpose()?;
        let place = match (place, &known) {
            (Some(place), _) => place,
            (None, Some(sealing)) => keys.place_in_use(sealing)?,
            (None, None) => keys.first_place(),
        };
        let (master, stretch) = keys.new_key(place, known.as_ref())?;
        let epoch = known.map_or(0, |sealing| sealing.epoch) + 1;
        let sealing = Sealing::begin(&master, stretch, epoch)?;
        let new = SealingKey::new(&master, &sealing)
            .ok_or_else(|| Diagnostic::failed("the new key does not open what it sealed"))?;
        Ok(Rotation {
            old,
            new,
            sealing,
            master,
            place,
        })
    }

    /// The second step: seals everything with the new key, in one transaction.
    pub fn rotate(&mut self, keys: &Keys, rotation: &Rotation) -> Result<Rotated, Diagnostic> {
        let secrets = self.write(|write| {
            let secrets =
                write.reseal(rotation.old.as_deref(), &rotation.new, &rotation.sealing)?;
            if rotation.place == KeyPlace::File {
                // Another rotation may have taken it out meanwhile. From here on it cannot: see `forget_old_keys`.
                keys.keep(&rotation.master)?;
            }
            Ok::<_, Diagnostic>(secrets)
        })?;
        Ok(Rotated {
            secrets,
            place: rotation.place,
            forgotten: 0,
        })
    }

    /// The last step, when the old keys are to go: takes them out of the key file, whose last one goes with the file when
    /// the new key is elsewhere.
    ///
    /// It takes its turn with [`Self::rotate`], so that the key of a rotation that came after this one stays.
    pub fn forget_old_keys(
        &mut self,
        keys: &Keys,
        rotation: &Rotation,
    ) -> Result<usize, Diagnostic> {
        self.write(|write| {
            if write.sealing()?.as_ref() != Some(&rotation.sealing) {
                return Err(Diagnostic::new(
                    Class::Locked,
                    "another fleet has changed the key again meanwhile: older keys stay in the key file",
                )
                .hint("`fleet rotate-key --forget-old-keys` once more takes them out"));
            }
            keys.forget_others(rotation.place, &rotation.sealing)
        })
    }
}
