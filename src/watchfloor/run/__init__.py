"""How things execute: the only modules that know it."""
