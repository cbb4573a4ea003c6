//! An organization after years of work: rows by the thousand, straight into the tables. The test that counts statements
//! takes a few of them, and the benchmark of the pages (`app/benches/pages.rs`) as many as are promised to stay fast.

use integration_contract::SecretString;
use jiff::{ToSpan, tz::TimeZone};
use patchbay::{
    core::{Core, sealing::Place},
    db::{
        AuditEventId, EntryId, InvitationId, LinkId, MessageId, MirrorId, MirrorPairId, OrganizationId, TeamId, UserId,
        entity::{
            audit_event::{self, Deed, Subject},
            entry::{self, EntryStatus},
            entry_mention, entry_tag,
            inbox_message::{self, MessageState},
            inbox_outcome::{self, Did},
            integration_link::{self, LinkLevel, LinkState},
            invitation,
            member::Role,
            mirror::{self, MirrorState, Side},
            mirror_pair::{self, PairState},
        },
    },
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    EntityTrait,
};
use serde_json::json;

/// So many rows go into one statement; both databases have a limit.
const AT_ONCE: usize = 500;

/// Over so many days the entries are spread.
const DAYS: usize = 200;

const WORDS: [&str; 12] = [
    "Rolled the new export out",
    "Answered what customers asked",
    "Found out why the chart is empty on Sundays",
    "Reviewed the streaming of rows",
    "Wrote the release notes",
    "Moved the old jobs over",
    "Measured how long a page takes",
    "Talked to sales about the trial",
    "Cleaned the list of members up",
    "Mended the import of invoices",
    "Merged what was left of the audit",
    "Planned the week",
];

/// Who and what there is already.
pub struct Crowd<'a> {
    pub core: &'a Core,
    pub organization: OrganizationId,
    /// The first has half of everything.
    pub teams: &'a [TeamId],
    pub people: &'a [UserId],
    /// The id of the partner that the links are to; the settings fit GitHub's.
    pub partner: &'a str,
}

impl Crowd<'_> {
    fn team(&self, number: usize) -> TeamId {
        if number.is_multiple_of(2) { self.teams[0] } else { self.teams[number / 2 % self.teams.len()] }
    }

    fn person(&self, number: usize) -> UserId {
        self.people[number % self.people.len()]
    }

    /// Every seventh is broken, every eleventh paused.
    pub async fn links(&self, many: usize) -> Vec<LinkId> {
        let now = self.core.clock.now();
        let rows: Vec<_> = (0..many)
            .map(|number| {
                let id = LinkId::new();
                let broken = number % 7 == 3;
                let state = match () {
                    () if broken => LinkState::Broken,
                    () if number % 11 == 5 => LinkState::Paused,
                    () => LinkState::Active,
                };
                let secret = SecretString::from(format!("secret of {id}"));
                integration_link::ActiveModel {
                    organization_id: Set(self.organization),
                    id: Set(id),
                    partner: Set(self.partner.to_owned()),
                    level: Set(LinkLevel::Team),
                    team_id: Set(self.team(number)),
                    user_id: Set(Some(self.person(number))),
                    integration_user_id: NotSet,
                    target: Set(format!("{id}")),
                    live_target: Set(Some(format!("{id}"))),
                    settings: Set(json!({
                        "repository_id": number,
                        "full_name": format!("acme/service-{number}"),
                        "html_url": format!("https://code.example/acme/service-{number}"),
                        "events": ["push", "issues"],
                    })),
                    name: Set(format!("acme/service-{number}")),
                    state: Set(state),
                    reason: Set(broken.then(|| "Connect the account again.".to_owned())),
                    state_since: Set(now),
                    hook_key: Set(format!("key-{id}")),
                    hook_secret: Set(Some(self.core.vault.seal(Place::hook_secret(self.organization, id), &secret))),
                    hook_seen_at: Set(Some(now)),
                    created_at: Set(now),
                    updated_at: Set(now),
                    ..Default::default()
                }
            })
            .collect();
        let ids = rows.iter().map(|row| *row.id.as_ref()).collect();
        self.insert(rows).await;
        ids
    }

    /// With tags, people who are mentioned, and every other one from a link.
    pub async fn entries(&self, many: usize, links: &[LinkId]) -> Vec<EntryId> {
        let (today, now) = (self.core.clock.today(&TimeZone::UTC), self.core.clock.now());
        let (mut rows, mut tags, mut mentions) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..many {
            let id = EntryId::new();
            let days_ago = number % DAYS;
            let day = today.checked_sub(i64::try_from(days_ago).unwrap().days()).unwrap().to_string();
            let link = links.get(number % links.len().max(1)).copied().filter(|_| number % 2 == 1);
            let source = link.map(|_| format!("acme/service-{}#{number}", number % 97));
            let tag = format!("topic{}", number % 31);
            let body = format!("{} ({number}) #{tag} https://code.example/acme/{number}", WORDS[number % WORDS.len()]);
            let status = match number {
                number if number % 40 == 7 => EntryStatus::Goal,
                number if number % 97 == 11 => EntryStatus::Blocked,
                _ => EntryStatus::Done,
            };
            let at = now - i64::try_from(days_ago).unwrap() * 86_400_000 - i64::try_from(number).unwrap();
            rows.push(entry::ActiveModel {
                organization_id: Set(self.organization),
                id: Set(id),
                team_id: Set(self.team(number)),
                user_id: Set(Some(self.person(number))),
                status: Set(status),
                folded: Set(format!("{body}\n{}", source.as_deref().unwrap_or_default()).to_lowercase()),
                body: Set(body),
                occurred_on: Set(day),
                completed_on: Set(None),
                archived_at: Set((number % 50 == 49).then_some(now)),
                partner: Set(link.map(|_| self.partner.to_owned())),
                link_id: Set(link),
                external_id: Set(link.map(|_| format!("told-{number}"))),
                source_url: Set(source.as_ref().map(|source| format!("https://code.example/{source}"))),
                source: Set(source),
                created_at: Set(at),
                recorded_at: Set(at),
                updated_at: Set(at),
                ..Default::default()
            });
            tags.push(entry_tag::ActiveModel {
                organization_id: Set(self.organization),
                entry_id: Set(id),
                tag: Set(tag),
            });
            mentions.extend((number % 10 == 0).then(|| entry_mention::ActiveModel {
                organization_id: Set(self.organization),
                entry_id: Set(id),
                user_id: Set(self.person(number + 1)),
            }));
        }
        let ids = rows.iter().map(|row| *row.id.as_ref()).collect();
        self.insert(rows).await;
        self.insert(tags).await;
        self.insert(mentions).await;
        ids
    }

    /// Most of them led to an entry, every ninth to nothing, every fiftieth failed. Half of them are the first link's.
    pub async fn messages(&self, many: usize, links: &[LinkId], entries: &[EntryId]) {
        let now = self.core.clock.now();
        let body = json!({ "action": "opened", "words": "so and so ".repeat(60) }).to_string().into_bytes();
        let (mut rows, mut outcomes) = (Vec::new(), Vec::new());
        for number in 0..many {
            let id = MessageId::new();
            let link = if number % 2 == 0 { links[0] } else { links[number / 2 % links.len()] };
            let (state, reason) = match number {
                number if number % 50 == 17 => (MessageState::Failed, Some("The partner did not answer.")),
                number if number % 9 == 4 => (MessageState::Ignored, Some("The link does not ask for this.")),
                _ => (MessageState::Done, None),
            };
            rows.push(inbox_message::ActiveModel {
                organization_id: Set(self.organization),
                id: Set(id),
                link_id: Set(link),
                partner: Set(self.partner.to_owned()),
                event: Set("issues.opened".to_owned()),
                delivery: Set(format!("delivery-{id}")),
                lane: Set(String::new()),
                headers: Set(json!({})),
                body: Set(body.clone()),
                digest: Set(id.0.as_bytes().to_vec()),
                state: Set(state),
                reason: Set(reason.map(str::to_owned)),
                received_at: Set(now),
                finished_at: Set(Some(now)),
            });
            outcomes.extend((state == MessageState::Done).then(|| inbox_outcome::ActiveModel {
                organization_id: Set(self.organization),
                message_id: Set(id),
                about: Set(format!("entry:{}", entries[number % entries.len()])),
                did: Set(Did::Wrote),
            }));
            if rows.len() == AT_ONCE * 20 {
                self.insert(std::mem::take(&mut rows)).await;
                self.insert(std::mem::take(&mut outcomes)).await;
            }
        }
        self.insert(rows).await;
        self.insert(outcomes).await;
    }

    /// Each joins two links of the first team and has three pairs; there have to be enough links for them.
    pub async fn mirrors(&self, many: usize, links: &[LinkId]) -> Vec<MirrorId> {
        let now = self.core.clock.now();
        let (mut rows, mut pairs) = (Vec::new(), Vec::new());
        // The first team's are the even ones.
        let mut ends = links.iter().copied().step_by(2);
        for number in 0..many {
            let id = MirrorId::new();
            rows.push(mirror::ActiveModel {
                organization_id: Set(self.organization),
                id: Set(id),
                team_id: Set(self.teams[0]),
                name: Set(format!("service-{number} ↔ its desk")),
                left_link: Set(ends.next().unwrap()),
                right_link: Set(ends.next().unwrap()),
                settings: Set(json!({
                    "creates": "left", "comments": true, "states": true, "labels": false,
                    "left": { "short": "gh", "place": null }, "right": { "short": "zd", "place": null },
                })),
                since: Set(now),
                state: Set(MirrorState::Active),
                state_since: Set(now),
                made_left: Set(number % 2 == 0),
                made_right: Set(true),
                created_by: Set(self.person(number)),
                created_at: Set(now),
                updated_at: Set(now),
                ..Default::default()
            });
            pairs.extend((0..3).map(|pair| mirror_pair::ActiveModel {
                organization_id: Set(self.organization),
                id: Set(MirrorPairId::new()),
                mirror_id: Set(id),
                left_item: Set(Some(format!("{number}-{pair}"))),
                right_item: Set(Some(format!("{number}-{pair}"))),
                origin: Set(Side::Left),
                external_id: Set(format!("gh-{number}-{pair}")),
                state: Set(PairState::Joined),
                writes: Set(json!([])),
                created_at: Set(now),
                updated_at: Set(now),
                ..Default::default()
            }));
        }
        let ids = rows.iter().map(|row| *row.id.as_ref()).collect();
        self.insert(rows).await;
        self.insert(pairs).await;
        ids
    }

    /// Open ones, every other one into a team.
    pub async fn invitations(&self, many: usize) {
        let now = self.core.clock.now();
        let rows = (0..many).map(|number| {
            let id = InvitationId::new();
            invitation::ActiveModel {
                organization_id: Set(self.organization),
                id: Set(id),
                team_id: Set(number.is_multiple_of(2).then(|| self.team(number))),
                role: Set(Role::Member),
                token_hash: Set(id.0.as_bytes().to_vec()),
                // The first of the people is an owner.
                invited_by: Set(self.people[0]),
                created_at: Set(now),
                expires_at: Set(now + 86_400_000),
                accepted_at: Set(None),
            }
        });
        self.insert(rows.collect()).await;
    }

    /// What people did to links, as the audit log keeps it.
    pub async fn deeds(&self, many: usize, links: &[LinkId]) {
        let now = self.core.clock.now();
        let deeds = [Deed::LinkMade, Deed::LinkChanged, Deed::LinkPaused, Deed::LinkResumed];
        let rows = (0..many).map(|number| audit_event::ActiveModel {
            organization_id: Set(self.organization),
            id: Set(AuditEventId::new()),
            user_id: Set(Some(self.person(number))),
            user_name: Set(Some(format!("Person {number}"))),
            deed: Set(deeds[number % deeds.len()]),
            subject: Set(Subject::Link),
            subject_id: Set(Some(links[number % links.len()].0)),
            subject_name: Set(format!("acme/service-{number}")),
            detail: Set(None),
            at: Set(now),
        });
        self.insert(rows.collect()).await;
    }

    async fn insert<A: ActiveModelTrait>(&self, rows: Vec<A>) {
        let mut rows = rows.into_iter().peekable();
        self.core
            .db
            .write::<_, sea_orm::DbErr>(async |tx| {
                while rows.peek().is_some() {
                    let some: Vec<A> = rows.by_ref().take(AT_ONCE).collect();
                    A::Entity::insert_many(some).exec_without_returning(tx).await?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
}
