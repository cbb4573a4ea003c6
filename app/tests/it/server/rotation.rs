//! A new sealing key: everything sealed is sealed anew, and nothing is lost on the way.

use integration_contract::{ExposeSecret, SecretString};
use patchbay::{
    core::{
        instance,
        rotation::rotate,
        sealing::{Place, Vault},
    },
    db::{
        IntegrationUserId, LinkId, MirrorChangeId, MirrorId, MirrorPairId, OrganizationId, TeamId, UserId,
        entity::{
            Tenant, integration_link, integration_user, member,
            mirror::{self, Side},
            mirror_change, mirror_pair, oauth_state, organization, team, user,
        },
    },
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, sea_query::Expr};
use serde_json::json;

use crate::harness::{TestDatabase, on_both_databases};

/// An organization with a sealed value of each kind, and more accounts than fit into one batch.
struct Tenanted {
    organization: OrganizationId,
    accounts: Vec<IntegrationUserId>,
    link: LinkId,
    pair: MirrorPairId,
    change: MirrorChangeId,
    state: Vec<u8>,
}

async fn tenant(test: &TestDatabase, vault: &Vault, accounts: usize) -> Tenanted {
    let (organization, user, team, link) = (OrganizationId::new(), UserId::new(), TeamId::new(), LinkId::new());
    let state = organization.0.as_bytes().repeat(2);
    let db = test.db.writer_for_tests();
    insert(db, organization::Model::new(organization, "Acme".into(), 0)).await;
    let email = format!("{user}@example.com");
    insert(db, user::Model { id: user, email, name: "Ada".into(), password_hash: String::new(), created_at: 0 }).await;
    let role = member::Role::Owner;
    insert(db, member::Model { organization_id: organization, user_id: user, role, created_at: 0 }).await;
    let (name, time_zone) = ("Product".into(), "UTC".into());
    insert(
        db,
        team::Model { organization_id: organization, id: team, name, time_zone, created_at: 0, deleting_since: None },
    )
    .await;
    let accounts: Vec<_> = (0..accounts).map(|_| IntegrationUserId::new()).collect();
    for id in &accounts {
        let account = integration_user::Model {
            organization_id: organization,
            id: *id,
            user_id: Some(user),
            partner: "acme".into(),
            account_id: id.to_string(),
            account_name: "ada".into(),
            account_url: None,
            site: None,
            scopes: json!([]),
            credentials: Some(vault.seal(Place::credentials(organization, *id), &format!("token {id}").into())),
            expires_at: None,
            refreshing_until: None,
            refused_since: None,
            refusals: 0,
            state: integration_user::AccountState::Connected,
            reason: None,
            broken_since: None,
            connected_at: 0,
            created_at: 0,
            updated_at: 0,
        };
        insert(db, account).await;
    }
    let linked = integration_link::Model {
        organization_id: organization,
        id: link,
        partner: "acme".into(),
        level: integration_link::LinkLevel::Team,
        team_id: team,
        user_id: Some(user),
        integration_user_id: None,
        target: "1".into(),
        live_target: Some("1".into()),
        settings: json!({}),
        name: "acme/widgets".into(),
        state: integration_link::LinkState::Active,
        reason: None,
        remedy: None,
        state_since: 0,
        hook_key: link.to_string(),
        hook_secret: Some(vault.seal(Place::hook_secret(organization, link), &"hook secret".into())),
        given_secret: Some(vault.seal(Place::given_secret(organization, link), &"given secret".into())),
        noticed: None,
        hook_seen_at: None,
        unheard_from: None,
        unheard_until: None,
        receipt: None,
        created_at: 0,
        updated_at: 0,
    };
    insert(db, linked).await;
    let consent = oauth_state::Model {
        state_hash: state.clone(),
        organization_id: organization,
        user_id: user,
        session_hash: vec![1],
        partner: "acme".into(),
        verifier: Some(vault.seal(Place::verifier(organization, &state), &"verifier".into())),
        site: None,
        claim_hash: None,
        return_to: None,
        mends: None,
        take_over: None,
        expires_at: i64::MAX,
    };
    insert(db, consent).await;
    let (pair, change) = mirrored(db, vault, (organization, team, user), link).await;
    Tenanted { organization, accounts, link, pair, change, state }
}

/// A change that waits, and what is being said about its pair.
async fn mirrored(
    db: &sea_orm::DatabaseConnection,
    vault: &Vault,
    (organization, team, user): (OrganizationId, TeamId, UserId),
    link: LinkId,
) -> (MirrorPairId, MirrorChangeId) {
    let (mirror, pair, change) = (MirrorId::new(), MirrorPairId::new(), MirrorChangeId::new());
    let joined = mirror::Model {
        organization_id: organization,
        id: mirror,
        team_id: team,
        name: "acme/widgets ⇄ acme".into(),
        left_link: link,
        right_link: link,
        settings: json!({}),
        since: 0,
        state: mirror::MirrorState::Active,
        reason: None,
        state_since: 0,
        made_left: false,
        made_right: false,
        created_by: user,
        receipt: None,
        created_at: 0,
        updated_at: 0,
    };
    insert(db, joined).await;
    let two = mirror_pair::Model {
        organization_id: organization,
        id: pair,
        mirror_id: mirror,
        left_item: Some("1".into()),
        right_item: Some("2".into()),
        origin: Side::Left,
        backfill_id: None,
        external_id: "gh-1".into(),
        state: mirror_pair::PairState::Joined,
        reason: None,
        asked_at: None,
        left_known: None,
        right_known: None,
        saying: Some(vault.seal(Place::mirror_saying(organization, pair), &"saying".into())),
        writes: json!([]),
        created_at: 0,
        updated_at: 0,
    };
    insert(db, two).await;
    let waiting = mirror_change::Model {
        organization_id: organization,
        id: change,
        mirror_id: mirror,
        pair_id: Some(pair),
        side: Side::Left,
        change_key: "1".into(),
        what: "commented".into(),
        author: "ada".into(),
        item_name: "acme/widgets#1".into(),
        item_url: None,
        content: Some(vault.seal(Place::mirror_content(organization, change), &"change".into())),
        state: mirror_change::ChangeState::Waiting,
        reason: None,
        attempts: 0,
        created_at: 0,
        finished_at: None,
    };
    insert(db, waiting).await;
    (pair, change)
}

async fn insert<M, A>(db: &sea_orm::DatabaseConnection, row: M)
where
    M: IntoActiveModel<A>,
    A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send,
{
    A::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
}

/// Every sealed value of a tenant opens to what was sealed, and was sealed with this version.
async fn all_open(test: &TestDatabase, vault: &Vault, tenant: &Tenanted, version: u8) {
    let db = test.db.reader();
    let check = |place, record: Option<Vec<u8>>, clear: String| {
        let record = record.unwrap();
        assert_eq!(Vault::version_of(&record), Some(version));
        assert_eq!(vault.open(place, &record).unwrap().expose_secret(), clear);
    };
    let accounts = integration_user::Entity::of(tenant.organization).all(db).await.unwrap();
    assert_eq!(accounts.len(), tenant.accounts.len());
    for account in accounts {
        check(
            Place::credentials(tenant.organization, account.id),
            account.credentials,
            format!("token {}", account.id),
        );
    }
    let link = integration_link::Entity::of(tenant.organization).one(db).await.unwrap().unwrap();
    check(Place::hook_secret(tenant.organization, tenant.link), link.hook_secret, "hook secret".into());
    check(Place::given_secret(tenant.organization, tenant.link), link.given_secret, "given secret".into());
    let pair = mirror_pair::Entity::of(tenant.organization).one(db).await.unwrap().unwrap();
    check(Place::mirror_saying(tenant.organization, tenant.pair), pair.saying, "saying".into());
    let change = mirror_change::Entity::of(tenant.organization).one(db).await.unwrap().unwrap();
    check(Place::mirror_content(tenant.organization, tenant.change), change.content, "change".into());
    let state = oauth_state::Entity::find_by_id(tenant.state.clone()).one(db).await.unwrap().unwrap();
    check(Place::verifier(tenant.organization, &tenant.state), state.verifier, "verifier".into());
}

async fn everything_sealed_is_sealed_anew_and_vaults_that_are_open_follow(test: TestDatabase) {
    let file = test.folder.path().join("key");
    let (vault, _) = instance::open_vault(&test.db, &file).await.unwrap();
    let (running, _) = instance::open_vault(&test.db, &file).await.unwrap();
    let (acme, umbra) = (tenant(&test, &vault, 120).await, tenant(&test, &vault, 1).await);
    all_open(&test, &vault, &acme, 1).await;

    let rotated = rotate(&test.db, &vault).await.unwrap();

    assert_eq!((rotated.version, rotated.resumed, rotated.closed), (2, false, vec![]));
    let mut sealed = rotated.sealed;
    sealed.sort_unstable();
    let expected = [
        ("integration_links.given_secret", 2),
        ("integration_links.hook_secret", 2),
        ("integration_users.credentials", 121),
        ("mirror_changes.content", 2),
        ("mirror_pairs.saying", 2),
        ("oauth_states.verifier", 2),
    ];
    assert_eq!(sealed, expected);
    all_open(&test, &running, &acme, 2).await;
    all_open(&test, &running, &umbra, 2).await;
    // The old key is not needed any more.
    let keys = std::fs::read_to_string(&file).unwrap();
    let only_new = Vault::from_text(&SecretString::from(keys.lines().last().unwrap())).unwrap();
    all_open(&test, &only_new, &acme, 2).await;
    assert_eq!(instance::opens(&test.db, &only_new).await.unwrap(), Some(true));
}

async fn an_interrupted_rotation_is_gone_on_with(test: TestDatabase) {
    let file = test.folder.path().join("key");
    let (vault, _) = instance::open_vault(&test.db, &file).await.unwrap();
    let acme = tenant(&test, &vault, 3).await;
    // As if the process had died after it had added the key.
    vault.add_key().unwrap();

    let rotated = rotate(&test.db, &vault).await.unwrap();

    assert_eq!((rotated.version, rotated.resumed), (2, true));
    all_open(&test, &vault, &acme, 2).await;
    let again = rotate(&test.db, &vault).await.unwrap();
    assert_eq!((again.version, again.resumed), (3, false));
    all_open(&test, &vault, &acme, 3).await;
}

async fn a_damaged_value_is_told_left_alone_and_stops_nothing(test: TestDatabase) {
    let file = test.folder.path().join("key");
    let (vault, _) = instance::open_vault(&test.db, &file).await.unwrap();
    let acme = tenant(&test, &vault, 2).await;
    let umbra = tenant(&test, &vault, 2).await;
    let damaged = vec![1, 2, 3];
    integration_link::Entity::update_of(acme.organization)
        .col_expr(integration_link::Column::HookSecret, Expr::value(damaged.clone()))
        .exec(test.db.writer_for_tests())
        .await
        .unwrap();

    let rotated = rotate(&test.db, &vault).await.unwrap();

    assert_eq!(rotated.closed.len(), 1);
    assert_eq!((rotated.closed[0].organization, rotated.closed[0].row), (acme.organization, acme.link.0));
    let link = integration_link::Entity::of(acme.organization).one(test.db.reader()).await.unwrap().unwrap();
    assert_eq!(link.hook_secret, Some(damaged));
    all_open(&test, &vault, &umbra, 2).await;
}

on_both_databases!(
    everything_sealed_is_sealed_anew_and_vaults_that_are_open_follow,
    an_interrupted_rotation_is_gone_on_with,
    a_damaged_value_is_told_left_alone_and_stops_nothing,
);
