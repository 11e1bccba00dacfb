//! Transactions: single flows of money.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Dated, Kind, Record, any_of, check, codes, date, sort, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Identifier, KindOfMoney, Links, Money, Original, PartialDate, Translations};

/// What a flow is (IATI TransactionType).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TransactionType {
    /// IATI 1: funds received.
    IncomingFunds,
    /// IATI 2: a firm promise to pay.
    #[default]
    OutgoingCommitment,
    /// IATI 3: paid to another organisation of the chain.
    Disbursement,
    /// IATI 4: spent on goods and services.
    Expenditure,
    /// IATI 5.
    InterestPayment,
    /// IATI 6.
    LoanRepayment,
    /// IATI 7.
    Reimbursement,
    /// IATI 8.
    PurchaseOfEquity,
    /// IATI 9.
    SaleOfEquity,
    /// IATI 10.
    CreditGuarantee,
    /// IATI 11: a firm promise to be paid.
    IncomingCommitment,
    /// IATI 12.
    OutgoingPledge,
    /// IATI 13.
    IncomingPledge,
}

/// One end of a flow: an organisation and, if known, its programme or grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The organisation, if it pays or receives as one.
    #[serde(default)]
    pub organisation: Option<Identifier>,
    /// The beneficiary, if it is one that receives or pays.
    #[serde(default)]
    pub beneficiary: Option<Identifier>,
    /// Its programme.
    #[serde(default)]
    pub programme: Option<Identifier>,
    /// Its grant.
    #[serde(default)]
    pub grant: Option<Identifier>,
}

/// One flow of money.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// Its identifier.
    pub identifier: Identifier,
    /// What it is.
    #[serde(rename = "type")]
    pub transaction_type: TransactionType,
    /// When it took place.
    pub date: PartialDate,
    /// The amount; negative where a flow is corrected or paid back.
    pub value: Money,
    /// The programme that reports it; a flow has one programme or one grant at most.
    #[serde(default)]
    pub programme: Option<Identifier>,
    /// The grant that reports it.
    #[serde(default)]
    pub grant: Option<Identifier>,
    /// The flow that this is a part of.
    #[serde(default)]
    pub parent: Option<Identifier>,
    /// Who pays.
    #[serde(default)]
    pub provider: Option<Party>,
    /// Who receives.
    #[serde(default)]
    pub receiver: Option<Party>,
    /// What kind of money it is.
    #[serde(default)]
    pub kind_of_money: Option<KindOfMoney>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<Translations>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
    /// What a file of another standard said beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

impl Validate for Transaction {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut rules = Rules::default();
        rules.parent(&self.identifier, self.parent.as_ref());
        if self.programme.is_some() && self.grant.is_some() {
            rules.fault("/grant", "one_activity", "a transaction has a programme or a grant, not both".into());
        }
        rules.citations(&self.sources).finish()
    }
}

impl Record for Transaction {
    fn links(&self, links: &mut Links) {
        links.add("/programme", "programme", "programmes", self.programme.as_ref());
        links.add("/grant", "grant", "grants", self.grant.as_ref());
        links.add("/parent", "parent", "transactions", self.parent.as_ref());
        for (role, party) in [("provider", &self.provider), ("receiver", &self.receiver)] {
            let Some(party) = party else { continue };
            links.add(format!("/{role}/organisation"), role, "organisations", party.organisation.as_ref());
            links.add(format!("/{role}/beneficiary"), role, "beneficiaries", party.beneficiary.as_ref());
            let activity = format!("{role}_activity");
            links.add(format!("/{role}/programme"), &activity, "programmes", party.programme.as_ref());
            links.add(format!("/{role}/grant"), &activity, "grants", party.grant.as_ref());
        }
        links.sources(&self.sources);
    }
}

/// Flows whose activity is in a place, and those without one whose receiver is there.
const PLACE: &str = "t.identifier IN (
    WITH there AS (SELECT l.record FROM links l WHERE l.role = 'place' AND l.target = ANY(ARRAY(SELECT places_within($?))))
    SELECT x.identifier FROM there JOIN transactions x ON x.grant_id = there.record
    UNION ALL SELECT x.identifier FROM there JOIN transactions x ON x.programme = there.record
    UNION ALL SELECT x.identifier FROM there JOIN links r ON r.target = there.record AND r.role = 'receiver'
      JOIN transactions x ON x.identifier = r.record WHERE x.grant_id IS NULL AND x.programme IS NULL)";

/// Flows whose activity is in a sector.
const SECTOR: &str = "t.identifier IN (
    SELECT x.identifier FROM grants g JOIN transactions x ON x.grant_id = g.identifier WHERE g.sectors && $?
    UNION ALL SELECT x.identifier FROM programmes p JOIN transactions x ON x.programme = p.identifier WHERE p.sectors && $?)";

/// The flows of programmes and their grants.
const PROGRAMME: &str = "t.identifier IN (
    SELECT x.identifier FROM transactions x WHERE x.programme = ANY($?)
    UNION SELECT x.identifier FROM grants g JOIN transactions x ON x.grant_id = g.identifier WHERE g.programme = ANY($?))";

/// The activity of a flow `t`: the grant or programme that reports it, else one that works where
/// the receiver is.
const ACTIVITY: &str = "coalesce((SELECT g.doc FROM grants g WHERE g.identifier = t.grant_id),
    (SELECT p.doc FROM programmes p WHERE p.identifier = t.programme), (
      SELECT jsonb_build_object('places', coalesce(jsonb_agg(jsonb_build_object('location', l.target)), '[]'))
      FROM links r JOIN links l ON l.record = r.target AND l.role = 'place'
      WHERE r.record = t.identifier AND r.role = 'receiver'))";

/// The collection.
pub static KIND: Kind = Kind {
    collection: "transactions",
    singular: "transaction",
    schema: "Transaction",
    about: "Flows of money between the links of a chain.",
    filters: &[
        &[
            codes("type", "t.type = ANY($?)", TransactionType::VARIANTS, "Of one of these types.").counted("t.type"),
            any_of("programme", PROGRAMME, "Reported by these programmes, or by grants of theirs.")
                .counted("coalesce(t.programme, (SELECT g.programme FROM grants g WHERE g.identifier = t.grant_id))"),
            any_of("grant", "t.grant_id = ANY($?)", "Reported by these grants.").counted("t.grant_id"),
            any_of("parent", "t.parent = ANY($?)", "Parts of these flows.").counted("t.parent"),
            any_of(
                "provider",
                "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'provider' AND l.target = ANY($?))",
                "Paid by these organisations or beneficiaries.",
            ),
            any_of(
                "receiver",
                "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'receiver' AND l.target = ANY($?))",
                "Received by these organisations or beneficiaries.",
            ),
            any_of(
                "place",
                PLACE,
                "Of activities in these locations, or anywhere inside them; without an activity, received there.",
            ),
            any_of("sector", SECTOR, "Of activities in these sectors, by code."),
            shared::ORGANISATION,
            shared::BENEFICIARY,
            date("date_gte", "t.date >= first_day($?)", "Taking place then or later."),
            date("date_lte", "t.date_last <= last_day($?)", "Taking place then or earlier."),
        ],
        shared::AMOUNT,
    ],
    sorts: &[&[sort("date", "t.date", "date")], shared::AMOUNT_SORT],
    money: Some(Dated { member: "value", dated: "coalesce(t.doc #>> '{value,value_date}', t.doc ->> 'date')" }),
    activity: Some(ACTIVITY),
    flows: None,
    columns: &[
        Column::Plain("type"),
        Column::Plain("date"),
        Column::Money("value"),
        Column::Plain("programme"),
        Column::Plain("grant"),
        Column::Plain("parent"),
        Column::Plain("kind_of_money"),
        Column::Text("description"),
        Column::Json("provider"),
        Column::Json("receiver"),
        Column::Json("sources"),
        Column::Json("original"),
    ],
    derived: &[],
    refers_to: &["programmes", "grants", "transactions", "organisations", "beneficiaries", "sources"],
    check: check::<Transaction>,
    view: view::<Transaction>,
};
