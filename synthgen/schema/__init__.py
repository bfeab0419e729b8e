"""The contract: tables, codes, rules and model variables of a cohort, and their forms."""
