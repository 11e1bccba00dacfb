//! What members of records are called in IATI's code lists.

use crate::codelists;
use crate::collections::beneficiaries::BeneficiaryKind;
use crate::collections::indicators::Measure;
use crate::collections::organisations::OrganisationType;
use crate::collections::transactions::TransactionType;
use crate::record::{OrganisationRole, Status};

/// ActivityStatus.
pub fn status(status: Status) -> u8 {
    match status {
        Status::Pipeline => 1,
        Status::Implementation => 2,
        Status::Finalisation => 3,
        Status::Closed => 4,
        Status::Cancelled => 5,
        Status::Suspended => 6,
    }
}

/// OrganisationRole.
pub fn role(role: OrganisationRole) -> u8 {
    match role {
        OrganisationRole::Funding => 1,
        OrganisationRole::Accountable => 2,
        OrganisationRole::Extending => 3,
        OrganisationRole::Implementing => 4,
    }
}

/// TransactionType.
pub fn transaction_type(of_type: TransactionType) -> u8 {
    match of_type {
        TransactionType::IncomingFunds => 1,
        TransactionType::OutgoingCommitment => 2,
        TransactionType::Disbursement => 3,
        TransactionType::Expenditure => 4,
        TransactionType::InterestPayment => 5,
        TransactionType::LoanRepayment => 6,
        TransactionType::Reimbursement => 7,
        TransactionType::PurchaseOfEquity => 8,
        TransactionType::SaleOfEquity => 9,
        TransactionType::CreditGuarantee => 10,
        TransactionType::IncomingCommitment => 11,
        TransactionType::OutgoingPledge => 12,
        TransactionType::IncomingPledge => 13,
    }
}

/// OrganisationType.
pub fn organisation_type(of_type: OrganisationType) -> u8 {
    match of_type {
        OrganisationType::Government => 10,
        OrganisationType::LocalGovernment => 11,
        OrganisationType::OtherPublicSector => 15,
        OrganisationType::InternationalNgo => 21,
        OrganisationType::NationalNgo => 22,
        OrganisationType::RegionalNgo => 23,
        OrganisationType::PartnerCountryNgo => 24,
        OrganisationType::PublicPrivatePartnership => 30,
        OrganisationType::Multilateral => 40,
        OrganisationType::Foundation => 60,
        OrganisationType::PrivateSector => 70,
        OrganisationType::PrivateSectorInProviderCountry => 71,
        OrganisationType::PrivateSectorInAidRecipientCountry => 72,
        OrganisationType::PrivateSectorInThirdCountry => 73,
        OrganisationType::AcademicTrainingAndResearch => 80,
        OrganisationType::Other => 90,
    }
}

/// OrganisationType of beneficiaries, which are of other kinds.
pub fn beneficiary_kind(kind: BeneficiaryKind) -> u8 {
    match kind {
        BeneficiaryKind::LocalGovernment => 11,
        BeneficiaryKind::Agency | BeneficiaryKind::Institution => 15,
        BeneficiaryKind::Association => 24,
        BeneficiaryKind::Enterprise => 72,
        BeneficiaryKind::Group => 90,
    }
}

/// IndicatorMeasure.
pub fn measure(measure: Measure) -> u8 {
    match measure {
        Measure::Unit => 1,
        Measure::Percentage => 2,
        Measure::Nominal => 3,
        Measure::Ordinal => 4,
        Measure::Qualitative => 5,
    }
}

/// How records say what a code list has a number for; `list` is the code list.
pub fn value_of(list: &str, code: &str) -> Option<&'static str> {
    codelists::find(list)?.code(code)?.value.as_deref()
}
