"""wua: find, rehearse, install and undo updates, with callbacks that survive a restart."""
