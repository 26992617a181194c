"""Ready-made hooks for what applications are built with."""
