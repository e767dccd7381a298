"""Other people's readers on our feeds: they take each story once, and a second look brings nothing new."""
