"""Files and folders that are whole or not there, also when several processes or a full disk meet."""
