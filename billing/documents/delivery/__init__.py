"""What leaves the house: packs for recipients, lists of them, one PDF of all bills, call details."""
