"""One person's journey shown step by step: what `gelombang try` says, pure of sockets."""
