//! Who and what is there when the sandbox opens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::super::refusal::Refusal;
use super::account::{Account, Actor, CustomStatus};
use super::change::{Change, NewComment};
use super::clients::Client;
use super::conditions::Condition;
use super::people::{Group, Organization, UserChange};
use super::triggers::{Action, Conditions, Trigger};
use super::webhooks::Webhook;
use super::words::{Channel, Priority, Role, Status};

const ACME: u64 = 13_370_001;
const UMBRA: u64 = 13_370_002;
/// Another product's webhook and trigger, which must survive whatever ours do. Nobody is at that address.
const OTHERS_ENDPOINT: &str = "https://other-product.example/hook";

pub(super) fn accounts(at: &str, callback: &str) -> BTreeMap<String, Account> {
    let mut acme = account(ACME, "acme", "Acme", at, callback);
    fill_acme(&mut acme).expect("the seed fits the rules");
    let mut umbra = account(UMBRA, "umbra", "Umbra", at, callback);
    fill_umbra(&mut umbra).expect("the seed fits the rules");
    [acme, umbra].into_iter().map(|account| (account.subdomain.clone(), ready(account))).collect()
}

fn account(id: u64, subdomain: &str, name: &str, at: &str, callback: &str) -> Account {
    let mut account = Account::new(id, subdomain, name, format!("{at}/{subdomain}"));
    let now = Timestamp::now();
    let group = Group { id: account.new_id(), name: "Support".to_owned(), created: now };
    account.groups.push(group);
    for (category, label, default) in [
        (Status::New, "New", true),
        (Status::Open, "Open", true),
        (Status::Pending, "Pending", true),
        (Status::Hold, "On-hold", true),
        (Status::Solved, "Solved", true),
        (Status::Open, "Waiting for engineering", false),
    ] {
        let id = account.new_id();
        account.statuses.push(CustomStatus { id, category, label: label.to_owned(), default, active: true });
    }
    let client = Client::of_the_product(account.new_id(), callback);
    account.clients.push(client);
    account.api_tokens.push(format!("{subdomain}-api-token"));
    account
}

/// Nothing of the seed is news: neither sent, nor too young for the index.
fn ready(mut account: Account) -> Account {
    account.post = Default::default();
    for state in account.tickets.values_mut().flat_map(|ticket| &mut ticket.indexed) {
        state.at = Timestamp::MIN;
    }
    account
}

fn person(account: &mut Account, name: &str, email: &str, role: Role) -> Result<u64, Refusal> {
    let (name, email) = (Some(name.to_owned()), Some(email.to_owned()));
    account.create_user(UserChange { name, email, role: Some(role), verified: Some(true), ..UserChange::default() })
}

fn ticket(account: &mut Account, by: u64, subject: &str, body: &str, more: Change) -> Result<u64, Refusal> {
    let comment = NewComment { body: Some(body.to_owned()), ..NewComment::default() };
    let change = Change { subject: Some(subject.to_owned()), comment: Some(comment), ..more };
    account.create_ticket(Actor { user: by, channel: Channel::Web }, change)
}

fn fill_acme(account: &mut Account) -> Result<(), Refusal> {
    let ada = person(account, "Ada Lovelace", "ada@example.com", Role::Admin)?;
    let bob = person(account, "Bob Kahn", "bob@example.com", Role::Agent)?;
    let carol = person(account, "Carol Customer", "carol@customer.example", Role::EndUser)?;
    let organization = account.new_id();
    let created = Timestamp::now();
    account.organizations.push(Organization { id: organization, name: "Customers Inc.".to_owned(), created });
    if let Some(carol) = account.users.get_mut(&carol) {
        carol.organization = Some(organization);
    }
    let chart =
        Change { priority: Some(Some(Priority::High)), tags: Some(vec!["charts".to_owned()]), ..Change::default() };
    let chart =
        ticket(account, carol, "The chart is empty on Sundays", "Every Sunday the chart of the week is empty.", chart)?;
    let bob_acts = Actor { user: bob, channel: Channel::Web };
    let answer = Change { assignee: Some(Some(bob)), ..Change::saying("Thanks, Carol. We are looking into it.", true) };
    account.update_ticket(bob_acts, chart, answer)?;
    account.update_ticket(bob_acts, chart, Change::saying("I think it is the time zone.", false))?;
    let export = Change { tags: Some(vec!["export".to_owned()]), ..Change::default() };
    ticket(account, carol, "How do I export my entries?", "I would like a list for my manager.", export)?;
    let solved = Change { assignee: Some(Some(ada)), status: Some(Status::Solved), ..Change::default() };
    ticket(account, carol, "Can't sign in", "It says that my password is wrong. It is not.", solved)?;
    others(account, ada)
}

fn fill_umbra(account: &mut Account) -> Result<(), Refusal> {
    let eve = person(account, "Eve Moneypenny", "eve@example.com", Role::Admin)?;
    let dan = person(account, "Dan Drizzle", "dan@customer.example", Role::EndUser)?;
    ticket(account, dan, "The umbrella leaks", "Right through the middle.", Change::default())?;
    others(account, eve)
}

/// What another product set up here.
fn others(account: &mut Account, admin: u64) -> Result<(), Refusal> {
    let hook = json!({
        "name": "Another product", "endpoint": OTHERS_ENDPOINT, "http_method": "POST", "request_format": "json",
        "status": "inactive", "subscriptions": ["conditional_ticket_events"],
    });
    let hook = account.add_webhook(Webhook::new(admin, &hook)?)?;
    let now = Timestamp::now();
    let created = Condition { field: "update_type".to_owned(), operator: "is".to_owned(), value: json!("Create") };
    let trigger = Trigger {
        id: account.new_id(),
        title: "Tell another product".to_owned(),
        description: None,
        active: true,
        position: 1,
        category: None,
        conditions: Conditions { all: vec![created], any: Vec::new() },
        actions: vec![Action {
            field: "notification_webhook".to_owned(),
            value: json!([hook, "{\"ticket\":\"{{ticket.id}}\"}"]),
        }],
        created: now,
        updated: now,
    };
    account.put_trigger(trigger)
}
