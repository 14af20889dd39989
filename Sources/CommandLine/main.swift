print("millwright")
