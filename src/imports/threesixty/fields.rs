//! The members of a 360Giving grant (data standard 1.4), with the titles that its spreadsheet template gives them.

/// One member.
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its title in a table.
    pub title: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What a member holds.
#[derive(Clone, Copy)]
pub enum Holds {
    /// A text, be it a date or a code.
    Text,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// An object.
    One(&'static [Field]),
    /// A list of objects.
    Many(&'static [Field]),
}

const fn text(name: &'static str, title: &'static str) -> Field {
    Field { name, title, holds: Holds::Text }
}

const fn number(name: &'static str, title: &'static str) -> Field {
    Field { name, title, holds: Holds::Number }
}

const fn many(name: &'static str, title: &'static str, of: &'static [Field]) -> Field {
    Field { name, title, holds: Holds::Many(of) }
}

const MODIFIED: Field = text("dateModified", "Last Modified");
const ID: Field = text("id", "Identifier");
const NAME: Field = text("name", "Name");
const TITLE: Field = text("title", "Title");
const DESCRIPTION: Field = text("description", "Description");
const CURRENCY: Field = text("currency", "Currency");
const CODE: Field = text("code", "Code");
const URL: Field = text("url", "URL");

const EVENT: &[Field] = &[
    TITLE,
    text("startDate", "Start Date"),
    text("endDate", "End Date"),
    number("duration", "Duration (months)"),
    DESCRIPTION,
    MODIFIED,
];

const LOCATION: &[Field] = &[
    ID,
    NAME,
    text("countryCode", "Country Code"),
    number("latitude", "Latitude"),
    number("longitude", "Longitude"),
    DESCRIPTION,
    text("geoCode", "Geographic Code"),
    text("geoCodeType", "Geographic Code Type"),
    MODIFIED,
];

const ORGANISATION: &[Field] = &[
    ID,
    NAME,
    text("department", "Department"),
    text("contactName", "Contact Name"),
    text("charityNumber", "Charity Number"),
    text("companyNumber", "Company Number"),
    text("streetAddress", "Street Address"),
    text("addressLocality", "City"),
    text("addressRegion", "County"),
    text("addressCountry", "Country"),
    text("postalCode", "Postal Code"),
    text("telephone", "Phone Number"),
    text("alternateName", "Alternate Name"),
    text("email", "Email"),
    DESCRIPTION,
    text("organisationType", "Organisation Type"),
    text("url", "Web Address"),
    many("location", "Location", LOCATION),
    MODIFIED,
];

const CLASSIFICATION: &[Field] = &[text("vocabulary", "Vocabulary"), CODE, TITLE, DESCRIPTION, URL, MODIFIED];

const DOCUMENT: &[Field] =
    &[ID, TITLE, text("url", "Web Address"), DESCRIPTION, text("documentType", "Document Type"), MODIFIED];

const TRANSACTION: &[Field] = &[
    ID,
    text("transactionDate", "Transaction Date"),
    CURRENCY,
    number("value", "Value"),
    text("valueDate", "Value Date"),
    DESCRIPTION,
    text("provider", "Provider"),
    text("recipient", "Recipient"),
    MODIFIED,
];

const REASONS: &[Field] = &[
    text("primaryGrantReason", "Primary Grant Reason"),
    text("secondaryGrantReason", "Secondary Grant Reason"),
    Field { name: "grantPurpose", title: "Grant Purpose", holds: Holds::Texts },
];

/// Those of a grant.
pub const GRANT: &[Field] = &[
    ID,
    TITLE,
    DESCRIPTION,
    CURRENCY,
    number("amountAppliedFor", "Amount Applied For"),
    number("amountAwarded", "Amount Awarded"),
    number("amountDisbursed", "Amount Disbursed"),
    text("awardDate", "Award Date"),
    URL,
    many("plannedDates", "Planned Dates", EVENT),
    many("actualDates", "Actual Dates", EVENT),
    Field { name: "recipientIndividual", title: "Recipient Ind", holds: Holds::One(&[ID, NAME]) },
    Field { name: "toIndividualsDetails", title: "To Individuals Details", holds: Holds::One(REASONS) },
    many("recipientOrganization", "Recipient Org", ORGANISATION),
    many("beneficiaryLocation", "Beneficiary Location", LOCATION),
    many("fundingOrganization", "Funding Org", ORGANISATION),
    many("grantProgramme", "Grant Programme", &[CODE, TITLE, DESCRIPTION, URL, MODIFIED]),
    text("fromOpenCall", "From An Open Call?"),
    many("fundingType", "Funding Type", CLASSIFICATION),
    many("classifications", "Classifications", CLASSIFICATION),
    many("relatedDocument", "Related Document", DOCUMENT),
    many("applicationTransaction", "Application Transaction", TRANSACTION),
    many("commitmentTransaction", "Commitment Transaction", TRANSACTION),
    many("disbursementTransaction", "Disbursement Transaction", TRANSACTION),
    Field { name: "relatedActivity", title: "Related Activity", holds: Holds::Texts },
    MODIFIED,
    text("dataSource", "Data Source"),
    text("regrantType", "For Regrant Type"),
    text("locationScope", "Location Scope"),
];

/// The member with this name or title, however it is spaced and capitalised.
pub fn find(fields: &'static [Field], named: &str) -> Option<&'static Field> {
    let named = bare(named);
    fields.iter().find(|field| bare(field.title) == named || bare(field.name) == named)
}

/// A name without what people write differently.
pub fn bare(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}
