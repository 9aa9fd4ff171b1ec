// Nothing: what carries the precompiled headers has to have a source.
