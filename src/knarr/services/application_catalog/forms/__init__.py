"""UI definitions of packages: forms that ask for what an application needs, and the object model they make.

`reader.read` makes a Definition of a file; `wizard.Wizard` leads through its forms without keeping any state.
"""
