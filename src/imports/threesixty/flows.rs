//! The flows of money of a grant.

use serde_json::{Number, Value, json};

use super::part::Part;
use super::parties::{Party, spelled};
use super::{Known, Mapped};
use crate::collections::transactions;
use crate::record::Identifier;

/// The grant that flows belong to.
pub struct Award<'a> {
    /// Its identifier.
    pub identifier: &'a str,
    /// Its currency.
    pub currency: Option<&'a str>,
    /// Who pays for it.
    pub funders: &'a [Party],
    /// Who receives it.
    pub recipients: &'a [Party],
    /// Whether a register made it of a record of its own, with its flows.
    pub is_derived: bool,
}

impl Award<'_> {
    /// The identifier of a flow that its publisher calls so: names of flows are those of the grant's, if they are
    /// not the register's own.
    fn flow(&self, known: &dyn Known, kind: &str, id: String) -> String {
        let is_own = id.strip_prefix(self.identifier).is_some_and(|rest| rest.starts_with(':'));
        // It is asked for in any case, so that the register can be asked at once.
        let is_known = known.is_flow(&id, self.identifier);
        if self.is_derived || is_own || is_known { id } else { format!("{}:{kind}-{}", self.identifier, spelled(&id)) }
    }
}

/// The award itself as a flow, where its date is all that is told of it.
pub fn award(of: &Award, budget: &Value, date: &str) -> Value {
    let mut flow = json!({
        "identifier": format!("{}:award", of.identifier),
        "type": "outgoing_commitment",
        "date": date,
        "value": budget,
        "grant": of.identifier,
    });
    // Of several nobody says which part is whose.
    if let [funder] = of.funders {
        flow["provider"] = json!({"organisation": funder.identifier});
    }
    if let [recipient] = of.recipients {
        flow["receiver"] = json!({"beneficiary": recipient.identifier});
    }
    flow
}

/// The flows of a member. Those without a value or a date are kept as they are.
pub fn flows(
    known: &dyn Known,
    of: &Award,
    kind: &str,
    member: &str,
    grant: &mut Part,
    out: &mut Mapped,
) -> Vec<Value> {
    let mut parts = grant.parts(member, out);
    let mut flows = Vec::new();
    for (n, part) in parts.iter_mut().enumerate() {
        if !part.has("value") || !part.has("transactionDate") || !(part.has("currency") || of.currency.is_some()) {
            out.note(
                &part.pointer,
                "flow_incomplete",
                "without value, currency and date this is kept, but counts nowhere",
            );
            continue;
        }
        let (value, date) = (part.amount("value", out), part.date("transactionDate", out));
        let currency = part.text("currency", out).map(|code| code.to_uppercase()).or(of.currency.map(String::from));
        let (Some(value), Some(date), Some(currency)) = (value, date, currency) else { continue };
        let own = part.text("id", out).map(|id| of.flow(known, kind, id));
        let wrong = own.iter().filter(|_| Identifier::is_valid(of.identifier));
        wrong.for_each(|own| check(own, &part.at("id"), out));
        let identifier = own.unwrap_or_else(|| format!("{}:{kind}:{}", of.identifier, n + 1));
        part.became(&identifier);
        let mut flow = json!({"identifier": identifier, "type": kind, "date": date, "value": money(&value, &currency)});
        if let Some(date) = part.date("valueDate", out) {
            flow["value"]["value_date"] = date.into();
        }
        flow["grant"] = of.identifier.into();
        for (member, own, says) in [("provider", "provider", is_payer as Says), ("recipient", "receiver", is_payee)] {
            let Some(reference) = part.text(member, out) else { continue };
            match says(known, of, &reference) {
                Some(party) => flow[own] = party,
                None => part.keep(member, reference),
            }
        }
        if let Some(description) = part.text("description", out) {
            flow["description"] = json!({"en": description});
        }
        flows.push(flow);
    }
    grant.put(member, parts);
    out.records.extend(flows.iter().map(|flow| (&transactions::KIND, flow.clone())));
    flows
}

/// An amount in a currency.
pub fn money(amount: &Number, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// An identifier that the register cannot have is a fault.
pub fn check(identifier: &str, pointer: &str, out: &mut Mapped) {
    if !Identifier::is_valid(identifier) {
        let words = "an identifier has 1 to 200 visible characters without spaces and commas";
        out.fault(pointer, "identifier_invalid", words);
    }
}

type Says = fn(&dyn Known, &Award, &str) -> Option<Value>;

fn own(parties: &[Party], reference: &str) -> Option<String> {
    parties.iter().find(|party| party.reference == reference).map(|party| party.identifier.clone())
}

/// Who pays: rather an organisation than a beneficiary.
fn is_payer(known: &dyn Known, of: &Award, reference: &str) -> Option<Value> {
    let organisation = own(of.funders, reference).or_else(|| known.organisation(reference));
    let beneficiary = || own(of.recipients, reference).or_else(|| known.beneficiary(reference));
    let organisation = organisation.map(|organisation| json!({"organisation": organisation}));
    organisation.or_else(|| Some(json!({"beneficiary": beneficiary()?})))
}

/// Who is paid: rather a beneficiary than an organisation.
fn is_payee(known: &dyn Known, of: &Award, reference: &str) -> Option<Value> {
    let beneficiary = own(of.recipients, reference).or_else(|| known.beneficiary(reference));
    let organisation = || own(of.funders, reference).or_else(|| known.organisation(reference));
    let beneficiary = beneficiary.map(|beneficiary| json!({"beneficiary": beneficiary}));
    beneficiary.or_else(|| Some(json!({"organisation": organisation()?})))
}
