// The client library and the port share names. Where both are in reach, the bare name is the port's.
global using RabbitArq.Brokers;
global using RabbitArq.Messages;
global using RabbitArq.Routing;
global using BrokerUnreachableException = RabbitArq.Brokers.BrokerUnreachableException;
global using ExchangeType = RabbitArq.Routing.ExchangeType;
