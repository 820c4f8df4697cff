"""From bytes to lines to examples. Judges nothing but JSON."""
