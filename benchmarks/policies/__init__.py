"""What the policies cost."""
