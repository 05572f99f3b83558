"""The figures of one comparison, drawn off screen: readable in print, in grey, and by readers who see few colours."""
