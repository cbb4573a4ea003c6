//! What starts in the fake partner's product, and what its people are shown there: `setup?room=workshop`,
//! `configure?subscription=1`, and a board with a note for each link that is in trouble.

use std::collections::{BTreeMap, VecDeque};

use integration_contract::{
    Capability, Error, ErrorKind, FormInput, IntegrationLink, RemoteName, Result, Setup, SetupWish,
};

use super::{FakePartner, KIND, ROOM, Trouble, in_trouble};

#[derive(Default)]
pub(super) struct Board {
    notes: BTreeMap<String, String>,
    troubles: VecDeque<Trouble>,
}

impl FakePartner {
    /// The next `notice` has this trouble; several queue up.
    pub fn trouble_noticing(&self, trouble: Trouble) {
        self.outside().board.troubles.push_back(trouble);
    }

    /// What its people are shown to be wrong, by the link's id.
    pub fn notices(&self) -> BTreeMap<String, String> {
        self.outside().board.notes.clone()
    }

    pub(super) async fn put_up(&self, link: &IntegrationLink, trouble: Option<&str>) -> Result<()> {
        if !self.can(Capability::Notice) {
            return Err(Error::unsupported("showing what is wrong"));
        }
        let own = self.outside().board.troubles.pop_front();
        in_trouble(own, || {
            let notes = &mut self.outside().board.notes;
            match trouble {
                Some(sentence) => notes.insert(link.id.clone(), sentence.to_owned()),
                None => notes.remove(&link.id),
            };
            Ok(())
        })
        .await
    }
}

impl Setup for FakePartner {
    fn setup(&self, query: &FormInput) -> Result<SetupWish> {
        let room = query.one(ROOM);
        if room.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "The address does not say which room."));
        }
        Ok(SetupWish { what: format!("the room {room}"), form: [(ROOM, room)].into_iter().collect() })
    }

    fn configure(&self, query: &FormInput) -> Result<RemoteName> {
        let id = query.one(KIND);
        if id.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "The address does not say which subscription."));
        }
        Ok(RemoteName { kind: KIND, id: id.to_owned() })
    }
}
