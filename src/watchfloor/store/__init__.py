"""Where data rests: the lake of events and the store of cases."""
