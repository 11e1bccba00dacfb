DROP FUNCTION moved, relinked, joined_identifiers;
