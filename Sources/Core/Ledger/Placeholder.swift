// The module's types live in the files beside this one.
