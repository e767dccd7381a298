"""What assistants may ask over the Model Context Protocol. The only room that knows the packages mcp and pydantic."""
