"""The offline Discord and the emulated API that the demo and the tests share."""
