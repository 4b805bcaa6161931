"""A service of socket activation: serves on the descriptor 3 that it was given."""

import socket

listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    data = connection.recv(2000)
    if data:
        connection.sendall(b"pong " + data)
    connection.close()
