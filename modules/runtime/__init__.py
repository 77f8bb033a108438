"""Which device, which precision, what stays where."""
